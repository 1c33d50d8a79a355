// A network and samples of one's own: opened, learned from, tried, taken away.
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { barriers } from './support/axe.mjs';
import { dist } from './support/host.mjs';
import { expect, test } from './support/test.mjs';

/** Folder with published networks and photographs; what needs them is left out without it. */
const REFERENCE = process.env.QUARTERMEG_REFERENCE_DIR;

const OWN = '#v=1&scenario=own';

async function openKeyboard(app, name = 'mine.safetensors') {
  await app.openFile(name, await readFile(join(dist, 'static/models/keyboard.safetensors')));
  await expect(app.page.getByText('30 layers')).toBeVisible();
}

/** Images of bars: of class 0 upright, of class 1 lying, each at another place. */
function bars(page, kind, count) {
  return page.evaluate(
    async ([kind, count]) => {
      const files = [];
      for (let at = 0; at < count; at += 1) {
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [90, 60];
        const context = canvas.getContext('2d');
        context.fillRect(0, 0, 90, 60);
        context.fillStyle = '#fff';
        const place = 8 + ((at * 7) % 40);
        if (kind === 0) context.fillRect(15 + place, 5, 8, 50);
        else context.fillRect(20, place, 50, 8);
        const url = canvas.toDataURL('image/png');
        files.push({ name: `bar-${kind}-${at}.png`, base64: url.slice(url.indexOf(',') + 1) });
      }
      return files;
    },
    [kind, count],
  ).then((files) =>
    files.map(({ name, base64 }) => ({ name, mimeType: 'image/png', buffer: Buffer.from(base64, 'base64') })),
  );
}

async function add(app, name, files) {
  await app.field(`Add to ${name}: files`).setInputFiles(files);
}

async function rename(app, from, to) {
  const field = app.field(`Name of class ${from}`);
  await field.fill(to);
  await field.press('Enter');
  await expect(app.field(`Name of class ${to}`)).toHaveValue(to);
}

/** The page with a network and two classes of bars. */
async function withBars(open, site, count = 15) {
  const app = await open(`${site.url}${OWN}`);
  await openKeyboard(app);
  await rename(app, 'Class 1', 'upright');
  await rename(app, 'Class 2', 'lying');
  await add(app, 'upright', await bars(app.page, 0, count));
  await add(app, 'lying', await bars(app.page, 1, count));
  await expect(app.output('Samples of upright')).toHaveText(`${count} samples`);
  await expect(app.output('Samples of lying')).toHaveText(`${count} samples`);
  return app;
}

test('a network of one’s own learns, is tried, and is taken away', async ({ open, site }) => {
  const app = await withBars(open, site);
  await expect(app.page.getByText('24 to learn from, 6 held out').first()).toBeVisible();
  await expect.poll(() => app.number('Accuracy')).not.toBeNaN();
  await app.set('Stop after steps', '120');
  await app.fullSpeed();
  await app.button('Play').click();
  await app.waitForSteps(120);
  await app.waitForStop();
  await expect.poll(() => app.number('Accuracy'), { timeout: 20_000 }).toBeGreaterThanOrEqual(80);

  const [tried] = await bars(app.page, 0, 1);
  await app.field('Try a file: files').setInputFiles({ ...tried, name: 'tried.png' });
  await expect(app.page.getByRole('img', { name: 'Tried: tried.png' })).toBeVisible();
  const best = app.page.getByRole('list', { name: 'Prediction' }).locator('.best');
  await expect(best).toContainText('upright');
  await expect(app.output('Samples of upright')).toHaveText('15 samples');

  const digest = await app.text('Weights digest');
  for (const kind of [/\.json/, /\.qmeg/]) {
    const { buffer: file } = await app.download(kind);
    await app.button('Reset').click();
    await expect.poll(() => app.number('Steps')).toBe(0);
    await app.openFile(kind.source.includes('json') ? 'quartermeg.json' : 'own.qmeg', file);
    await expect(app.output('Weights digest')).toHaveText(digest);
    expect(await app.number('Steps')).toBe(120);
  }
});

test('the memory of an own network is planned at once', async ({ app, page }) => {
  await app.pause();
  await openKeyboard(app);
  await expect(app.field('Scenario')).toHaveValue('own');
  await expect(app.output('Peak memory')).toHaveText(/\d B/);
  const before = await app.bytes('Peak memory');
  expect(before).toBeGreaterThan(0);
  await app.field('Preset').selectOption({ label: 'Full update' });
  await expect.poll(() => app.bytes('Peak memory')).toBeGreaterThan(before);
  await expect.poll(() => new URL(page.url()).hash).toContain('scenario=own');
});

test('a link about an own network asks for its file', async ({ open, site }) => {
  const app = await open(`${site.url}${OWN}&head=3&policy=${'-'.repeat(29)}1`);
  await expect(app.page.getByText('This link is about your own network: open its file.')).toBeVisible();
  await expect(app.button('Open a network')).toBeVisible();
  await openKeyboard(app);
  await expect(app.field('Name of class Class 3')).toBeVisible();
  await expect(app.ratio(29, '1')).toBeChecked();
});

test('what cannot be read is said, and nothing is lost', async ({ open, site }) => {
  const app = await withBars(open, site, 5);
  const network = await readFile(join(dist, 'static/models/keyboard.safetensors'));
  for (const [name, bytes, words] of [
    ['cut.safetensors', network.subarray(0, 5_000), /"cut.safetensors" was not opened/],
    ['no.tflite', Buffer.from('\x1c\0\0\0TFL3 nothing'), /"no.tflite" was not opened/],
    ['no.pkl', Buffer.from('PK\x03\x04 nothing'), /"no.pkl" was not opened/],
  ]) {
    await app.openFile(name, bytes);
    await expect(app.page.getByRole('alert').filter({ hasText: words }), name).toBeVisible();
  }
  const [good] = await bars(app.page, 0, 1);
  await add(app, 'upright', [
    { name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('no image') },
    { name: 'short.csv', mimeType: 'text/csv', buffer: Buffer.from('1,2,3\n') },
    good,
  ]);
  const alert = app.page.getByRole('alert').filter({ hasText: 'broken.png' });
  await expect(alert).toContainText('1 sample was added.');
  await expect(alert).toContainText('"short.csv" was left out: Line 1 has 3 values, but the network reads 2,304');
  await expect(app.output('Samples of upright')).toHaveText('6 samples');
  await expect(app.output('Samples of lying')).toHaveText('5 samples');
});

test('CSV names its classes', async ({ open, site }) => {
  const app = await open(`${site.url}${OWN}`);
  await openKeyboard(app);
  const row = (value, name) => `${Array(48 * 48).fill(value).join(',')},${name}\n`;
  const text = row(0.1, 'dark') + row(0.9, 'bright') + row(0.2, 'dark');
  await add(app, 'Class 1', [{ name: 'rows.csv', mimeType: 'text/csv', buffer: Buffer.from(text) }]);
  await expect(app.output('Samples of dark')).toHaveText('2 samples');
  await expect(app.output('Samples of bright')).toHaveText('1 sample');
});

test('files are dropped on a class, and what was cleared comes back', async ({ open, site }) => {
  const app = await open(`${site.url}${OWN}`);
  await openKeyboard(app);
  const [{ buffer }] = await bars(app.page, 0, 1);
  const transfer = await app.page.evaluateHandle((base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], 'dropped.png', { type: 'image/png' }));
    return transfer;
  }, buffer.toString('base64'));
  const zone = app.page.getByRole('group', { name: /^Class Class 2/ });
  await zone.dispatchEvent('drop', { dataTransfer: transfer });
  await expect(app.output('Samples of Class 2')).toHaveText('1 sample');
  await app.button('Clear Class 2').click();
  await expect(app.output('Samples of Class 2')).toHaveCount(0);
  await app.button('Put back').click();
  await expect(app.output('Samples of Class 2')).toHaveText('1 sample');

  await app.button('Add class').click();
  await expect(app.field('Name of class Class 3')).toBeVisible();
  await app.button('Remove class Class 1').click();
  await expect(app.field('Name of class Class 1')).toHaveCount(0);
});

test('a folder of folders becomes classes', async ({ open, site }, info) => {
  const app = await open(`${site.url}${OWN}`);
  await openKeyboard(app);
  const folder = info.outputPath('mine');
  for (const [kind, name] of ['upright', 'lying', 'rising'].entries()) {
    await mkdir(join(folder, name), { recursive: true });
    for (const file of await bars(app.page, Math.min(kind, 1), 3)) {
      await writeFile(join(folder, name, file.name), file.buffer);
    }
  }
  await app.field('Add folder of classes: files').setInputFiles(folder);
  for (const name of ['upright', 'lying', 'rising']) {
    await expect(app.output(`Samples of ${name}`)).toHaveText('3 samples');
  }
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds no barrier around own samples in ${colorScheme} colours`, async ({ open, site, page }) => {
    await page.emulateMedia({ colorScheme });
    const app = await open(`${site.url}${OWN}`);
    await expect(app.button('Open a network')).toBeVisible();
    expect(await barriers(page), 'without a network').toEqual([]);
    await openKeyboard(app);
    await add(app, 'Class 1', await bars(page, 0, 2));
    await expect(app.output('Samples of Class 1')).toHaveText('2 samples');
    for (const name of ['Classifier', 'How samples are read']) {
      await page.locator('summary').filter({ hasText: name }).click();
    }
    expect(await barriers(page), 'with samples').toEqual([]);
  });
}

test('published networks are opened and train', async ({ open, site }) => {
  test.skip(REFERENCE === undefined, 'QUARTERMEG_REFERENCE_DIR names no folder with published networks');
  const app = await open(`${site.url}${OWN}`);
  await app.openFile('kws_ref_model.tflite', await readFile(join(REFERENCE, 'tflite/kws_ref_model.tflite')));
  await expect(app.page.getByText('TensorFlow Lite network')).toBeVisible();
  await expect(app.page.getByText(/input 49.x.10.x.1\b/)).toBeVisible();
  await expect.poll(() => app.bytes('Peak memory').catch(() => 0)).toBeGreaterThan(0);

  await app.openFile('mcunet-5fps.pkl', await readFile(join(REFERENCE, 'models/mcunet-5fps.pkl')));
  await expect(app.page.getByText('42 layers')).toBeVisible();
  await expect(app.field('Preset').locator('option').first()).toHaveText('Published 99 KB (default)');
  await expect.poll(() => app.bytes('Peak memory').catch(() => 0)).toBeLessThan(256 * 1024);
  for (const [place, name] of ['sunflower', 'dalmatian'].entries()) {
    const folder = join(REFERENCE, 'images', name);
    expect(existsSync(folder)).toBe(true);
    const images = (await readdir(folder)).filter((file) => file.endsWith('.jpg')).slice(0, 20);
    await rename(app, `Class ${place + 1}`, name);
    await add(app, name, images.map((file) => join(folder, file)));
    await expect(app.output(`Samples of ${name}`)).toHaveText('20 samples');
  }
  await app.set('Stop after steps', '60');
  await app.fullSpeed();
  await app.button('Play').click();
  await app.waitForStop();
  expect(await app.number('Steps')).toBe(60);
  await expect.poll(() => app.number('Accuracy'), { timeout: 20_000 }).toBeGreaterThanOrEqual(80);
});
