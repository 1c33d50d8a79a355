// Taking it away and bringing it back: export, open, and what is damaged.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { expect, test } from './support/test.mjs';

const run = promisify(execFile);

/** Downloads one kind of file. */
async function download(app, kind, withWeights) {
  await app.button('Export').click();
  const dialog = app.page.getByRole('dialog');
  await dialog.getByRole('radio', { name: kind }).check();
  await dialog.getByRole('checkbox', { name: 'With trained weights' }).setChecked(withWeights);
  const waiting = app.page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Download' }).click();
  const path = await (await waiting).path();
  await app.page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  return readFile(path);
}

async function openFile(app, name, buffer) {
  await app.page.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
}

for (const [kind, name] of [
  [/\.json/, 'quartermeg.json'],
  [/\.qmeg/, 'keyboard.qmeg'],
]) {
  test(`${name} brings back the policy and the weights`, async ({ app, open, site }) => {
    await app.pause();
    await app.ratio(14, '1/2').click();
    await expect.poll(() => app.number('Steps')).toBe(0);
    for (let steps = 1; steps <= 3; steps += 1) {
      await app.button('Step').click();
      await expect.poll(() => app.number('Steps')).toBe(steps);
    }
    const digest = await app.text('Weights digest');
    const peak = await app.bytes('Peak memory');
    const file = await download(app, kind, true);

    await app.page.evaluate(() => history.replaceState(null, '', location.pathname));
    await app.page.goto('about:blank');
    await app.page.goto(site.url);
    await app.waitForSteps(1);
    await app.pause();
    await openFile(app, name, file);
    await expect(app.output('Weights digest')).toHaveText(digest);
    expect(await app.number('Steps')).toBe(3);
    expect(await app.bytes('Peak memory')).toBe(peak);
    await expect(app.ratio(14, '1/2')).toBeChecked();
  });
}

test('damaged, truncated, foreign and newer files are refused and nothing is lost', async ({ app }, info) => {
  await app.pause();
  const good = await download(app, /\.qmeg/, false);
  const digest = await app.text('Weights digest');
  const steps = await app.number('Steps');
  const damaged = Buffer.from(good);
  damaged[good.length >> 1] ^= 0x40;
  const newer = Buffer.from(good);
  newer[8] = 9;
  for (const [name, bytes, words] of [
    ['damaged.qmeg', damaged, /checksum/],
    ['truncated.qmeg', good.subarray(0, good.length - 100), /cut off/],
    ['picture.qmeg', Buffer.from('GIF89a is not a program'), /not a Quartermeg program/],
    ['newer.qmeg', newer, /newer/],
    ['other.json', Buffer.from('{"format":"other"}'), /not a Quartermeg configuration/],
    ['broken.json', Buffer.from('{"format"'), /cannot be read/],
  ]) {
    await openFile(app, name, bytes);
    await expect(app.page.getByRole('alert').filter({ hasText: words }), name).toBeVisible();
  }
  expect(await app.number('Steps')).toBe(steps);
  expect(await app.text('Weights digest')).toBe(digest);
  await writeFile(info.outputPath('good.qmeg'), good);
});

test('the command line comes to the same weights', async ({ open, site }) => {
  const fragment = 'v=1&seed=5&lr=0.002&stop=12';
  const app = await open(`${site.url}#${fragment}`);
  await app.waitForSteps(12);
  await app.waitForStop();
  const digest = await app.text('Weights digest');
  const { stdout } = await run(
    'cargo',
    ['run', '--quiet', '--locked', '--package', 'quartermeg', '--', 'train', '--link', `#${fragment}`, '--steps', '12', '--json'],
    { maxBuffer: 1 << 20, timeout: 300_000 },
  );
  const summary = JSON.parse(stdout.trim().split('\n').at(-1));
  expect(summary.steps).toBe(12);
  expect(digest).toBe(summary.weights_digest);
  expect(await app.bytes('Peak memory')).toBe(summary.peak_bytes);
});
