// Every kind of export, what the page says before it, and trained weights that come back.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { App } from './support/app.mjs';
import { expect, test } from './support/test.mjs';

const run = promisify(execFile);

/** Runs the command line; what it prints. */
async function quartermeg(...words) {
  const { stdout } = await run('cargo', ['run', '--quiet', '--locked', '--package', 'quartermeg', '--', ...words], {
    maxBuffer: 1 << 22,
    timeout: 300_000,
  });
  return stdout;
}

/** A folder that is gone after the test. */
async function withFolder(use) {
  const folder = await mkdtemp(join(tmpdir(), 'quartermeg-export-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function openDialog(app) {
  await app.button('Export').click();
  const dialog = app.page.getByRole('dialog');
  await expect(dialog).toBeVisible();
  return dialog;
}

/** Exports one kind with trained weights: contents by name. */
async function downloads(app, kind, count) {
  const dialog = await openDialog(app);
  await dialog.getByRole('radio', { name: kind }).check();
  const weights = dialog.getByRole('checkbox', { name: 'With trained weights' });
  if (await weights.isEnabled()) await weights.check();
  const found = [];
  const onDownload = (download) => found.push(download);
  app.page.on('download', onDownload);
  await dialog.getByRole('button', { name: 'Download' }).click();
  await expect.poll(() => found.length).toBe(count);
  app.page.off('download', onDownload);
  await expect(dialog).toBeHidden();
  const files = new Map();
  for (const download of found) files.set(download.suggestedFilename(), await readFile(await download.path()));
  return files;
}

async function stepTo(app, steps) {
  for (let step = (await app.number('Steps')) + 1; step <= steps; step += 1) {
    await app.button('Step').click();
    await expect.poll(() => app.number('Steps')).toBe(step);
  }
}

// Its policy can also be said as options of tiny-training.
const LINK = 'v=1&seed=3';
const KINDS = [
  [/quartermeg\.json/, ['quartermeg.json']],
  [/\.qmeg/, ['quartermeg.qmeg']],
  [/program\.h/, ['quartermeg_program.h', 'quartermeg_program.c']],
  [/program\.rs/, ['quartermeg_program.rs']],
  [/\.yaml/, ['quartermeg.yaml']],
  [/weights\.safetensors/, ['weights.safetensors']],
  [/delta\.safetensors/, ['delta.safetensors']],
  [/report/, ['report.md', 'report.json']],
  [/\.svg/, ['memory-map.svg']],
  [/\.png/, ['memory-map.png']],
];

test('every kind is the file that the command line writes', async ({ open, site }) => {
  test.setTimeout(180_000);
  const app = await open(`${site.url}#${LINK}`);
  await app.waitForSteps(1);
  await app.pause();
  const identity = await (await openDialog(app)).getByRole('status', { name: 'Identity' }).textContent();
  await app.page.keyboard.press('Escape');
  const files = new Map();
  for (const [kind, names] of KINDS) {
    const found = await downloads(app, kind, names.length);
    expect([...found.keys()].sort()).toEqual([...names].sort());
    for (const [name, bytes] of found) files.set(name, bytes);
  }
  await withFolder(async (folder) => {
    const paths = [];
    for (const [name, bytes] of files) {
      paths.push(join(folder, name));
      await writeFile(paths.at(-1), bytes);
    }
    const out = join(folder, 'again');
    const weights = join(folder, 'weights.safetensors');
    const summary = JSON.parse(
      await quartermeg('export', '--link', `#${LINK}`, '--weights', weights, '--out', out, '--json'),
    );
    expect(summary.identity).toBe(identity);
    for (const [name, bytes] of files) {
      // The picture is painted by the browser.
      if (name.endsWith('.png')) continue;
      expect(bytes.equals(await readFile(join(out, name))), name).toBe(true);
    }
    const verified = JSON.parse(await quartermeg('verify', ...paths, '--json'));
    expect(verified.identity).toBe(identity);
    expect(verified.files).toHaveLength(files.size);
  });
  // Width and height stand behind the head of the file: two pixels for one of the map.
  const png = files.get('memory-map.png');
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([2400, 1440]);
});

test('texts are copied', async ({ app, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await app.pause();
  for (const [kind, button, begin] of [
    [/quartermeg\.json/, 'Copy', '{'],
    [/program\.h/, 'Copy quartermeg_program.h', '/* quartermeg-export kind=c-header'],
    [/report/, 'Copy report.md', '<!-- quartermeg-export kind=report'],
    [/\.svg/, 'Copy', '<svg'],
  ]) {
    const dialog = await openDialog(app);
    await dialog.getByRole('radio', { name: kind }).check();
    await dialog.getByRole('button', { name: button, exact: true }).click();
    await expect(app.page.getByRole('status', { name: 'News' })).toContainText('was copied');
    const text = await app.page.evaluate(() => navigator.clipboard.readText());
    expect(text.startsWith(begin), `${button}: ${text.slice(0, 80)}`).toBe(true);
  }
  const dialog = await openDialog(app);
  await dialog.getByRole('radio', { name: /\.qmeg/ }).check();
  await expect(dialog.getByRole('button', { name: /^Copy/ })).toHaveCount(0);
});

test('what cannot be had says why', async ({ app }) => {
  await app.pause();
  await app.button('Reset').click();
  await expect.poll(() => app.number('Steps')).toBe(0);
  const dialog = await openDialog(app);
  await dialog.getByRole('radio', { name: /delta/ }).check();
  await expect(dialog.getByRole('status', { name: 'Why not' })).toHaveText(/Nothing was trained yet/);
  await expect(dialog.getByRole('button', { name: 'Download' })).toBeDisabled();
  await dialog.getByRole('radio', { name: /\.qmeg/ }).check();
  await expect(dialog.getByRole('button', { name: 'Download' })).toBeEnabled();
  await app.page.keyboard.press('Escape');
  // Here layers learn before one that does not.
  const peak = await app.text('Peak memory');
  await app.field('Scenario').selectOption('watch');
  await expect(app.output('Peak memory')).not.toHaveText(peak);
  await expect(app.button('Export')).toBeEnabled();
  await openDialog(app);
  await dialog.getByRole('radio', { name: /\.yaml/ }).check();
  await expect(dialog.getByRole('status', { name: 'Why not' })).toHaveText(/name the last layers alone/);
  await expect(dialog.getByRole('button', { name: 'Download' })).toBeDisabled();
});

test('before an export the board is checked, stack and firmware included, as on the command line', async ({
  app,
}) => {
  await app.pause();
  const check = app.page.getByRole('status', { name: 'Board check' });
  await openDialog(app);
  await expect(check).toHaveText(/^Fits 256 KiB microcontroller: .* with stack and statics/);
  await app.page.keyboard.press('Escape');
  // The block alone fits, but not beside the stack.
  const peak = await app.bytes('Peak memory');
  const device = `custom:${peak + 1000}:1048576`;
  await app.page.evaluate((it) => (location.hash = `v=1&device=${it}`), device);
  await expect(app.field('Device')).toHaveValue('custom');
  const dialog = await openDialog(app);
  await expect(check).toHaveText(/^Does not fit custom board: .*\(11,528 B\) of SRAM are missing\..*Choose a policy/);
  await expect(dialog.getByRole('button', { name: 'Download' })).toBeEnabled();
  await withFolder(async (folder) => {
    const words = ['export', '--link', `#v=1&device=${device}`, '--as', 'json', '--out', folder];
    expect(await quartermeg(...words)).toContain(await check.textContent());
  });
});

const label = (app) => app.output('Verification');
const VERIFIED = 'Verified on emulated Cortex-M7, 0 bytes different';

test('a program that was verified says so, until it is another', async ({ page, open, site }) => {
  await withFolder(async (folder) => {
    const { identity } = JSON.parse(
      await quartermeg('export', '--scenario', 'keyboard', '--as', 'qmeg', '--out', folder, '--json'),
    );
    const sha256 = createHash('sha256').update(await readFile(join(folder, 'quartermeg.qmeg'))).digest('hex');
    const core_version = (await quartermeg('--version')).trim().split(' ').at(-1);
    const program = {
      scenario: 'keyboard',
      preset: 'default',
      board: '256k',
      identity,
      program_sha256: sha256,
      arena_bytes: 1,
      stack_high_water_bytes: 1,
      steps: 24,
      weights_digest: sha256,
    };
    await page.route('**/verified.json', (route) => route.fulfill({ json: { core_version, programs: [program] } }));
  });
  const app = await open(site.url);
  await app.waitForSteps(1);
  await expect(label(app)).toHaveText(VERIFIED);
  // Another board runs the same program.
  await app.field('Device').selectOption('stm32h743');
  await expect(label(app)).toHaveText(VERIFIED);
  await app.field('Preset').selectOption({ index: 1 });
  await expect(label(app)).toHaveText('Not verified');
  await app.field('Preset').selectOption({ index: 0 });
  await expect(label(app)).toHaveText(VERIFIED);
  await app.set('Learning rate', '0.002');
  await expect(label(app)).toHaveText('Not verified');
  const dialog = await openDialog(app);
  await expect(dialog).toContainText('cargo xtask firmware');
});

test('without a list of verified programs nothing is verified', async ({ page, site }) => {
  await page.route('**/verified.json', (route) => route.fulfill({ status: 404, body: 'No such file.' }));
  await page.goto(site.url);
  const app = new App(page);
  await app.waitForSteps(1);
  await expect(label(app)).toHaveText('Not verified');
});

for (const kind of ['weights', 'delta']) {
  test(`${kind} that were trained here are opened again and learned on from`, async ({ open, site }) => {
    const app = await open(`${site.url}#v=1&stop=50`);
    await app.fullSpeed();
    await app.waitForSteps(50);
    await app.waitForStop();
    const digest = await app.text('Weights digest');
    const files = await downloads(app, new RegExp(`${kind}\\.safetensors`), 1);
    const [[name, file]] = files;

    await app.page.goto('about:blank');
    await app.page.goto(`${site.url}#v=1&stop=60`);
    await app.waitForSteps(1);
    await app.pause();
    await app.openFile(name, file);
    await expect(app.output('Weights digest')).toHaveText(digest);
    expect(await app.number('Steps')).toBe(50);
    await app.button('Play').click();
    await app.waitForSteps(60);
    await app.waitForStop();
    const on = await app.text('Weights digest');
    // A run that was never interrupted comes to the same weights.
    const whole = JSON.parse(
      (await quartermeg('train', '--link', '#v=1', '--steps', '60', '--json')).trim().split('\n').at(-1),
    );
    expect(on).toBe(whole.weights_digest);

    // Of another policy they are refused, and both identities are named.
    await app.field('Preset').selectOption({ index: 1 });
    await app.pause();
    await app.openFile(name, file);
    const alert = app.page.getByRole('alert').filter({ hasText: 'belong to another network' });
    await expect(alert).toContainText(/identity [0-9a-f]{8,}.* instead of [0-9a-f]{8,}/);
  });
}
