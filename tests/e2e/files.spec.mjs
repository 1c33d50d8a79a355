// Taking it away and bringing it back: export, open, and what is damaged.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { expect, test } from './support/test.mjs';

const run = promisify(execFile);

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
    const { buffer: file } = await app.download(kind);

    await app.page.evaluate(() => history.replaceState(null, '', location.pathname));
    await app.page.goto('about:blank');
    await app.page.goto(site.url);
    await app.waitForSteps(1);
    await app.pause();
    await app.openFile(name, file);
    await expect(app.output('Weights digest')).toHaveText(digest);
    expect(await app.number('Steps')).toBe(3);
    expect(await app.bytes('Peak memory')).toBe(peak);
    await expect(app.ratio(14, '1/2')).toBeChecked();
  });
}

test('damaged, truncated, foreign and newer files are refused and nothing is lost', async ({ app }, info) => {
  await app.pause();
  const { buffer: good } = await app.download(/\.qmeg/, { withWeights: false });
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
    await app.openFile(name, bytes);
    await expect(app.page.getByRole('alert').filter({ hasText: words }), name).toBeVisible();
  }
  expect(await app.number('Steps')).toBe(steps);
  expect(await app.text('Weights digest')).toBe(digest);
  await writeFile(info.outputPath('good.qmeg'), good);
});

for (const fragment of ['v=1&seed=5&lr=0.002&stop=12', 'v=1&scenario=watch&seed=5&stop=12']) {
  test(`the command line comes to the same weights: ${fragment}`, async ({ open, site }) => {
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
}
