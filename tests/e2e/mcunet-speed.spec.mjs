// How fast the page trains the paper's network under its published scheme of 99 KB.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { BUILD_MILLIS, expectStepsPerSecond } from './support/speed.mjs';
import { expect, test } from './support/test.mjs';

/** Folder with published networks and photographs; without it the test is left out. */
const REFERENCE = process.env.QUARTERMEG_REFERENCE_DIR;

test('MCUNet learns at least 100 steps a second', async ({ open, site }) => {
  test.setTimeout(BUILD_MILLIS);
  test.skip(REFERENCE === undefined, 'QUARTERMEG_REFERENCE_DIR names no folder with published networks');
  const app = await open(`${site.url}#v=1&scenario=own`);
  await app.page.getByRole('banner').locator('input[type=file]').setInputFiles({
    name: 'mcunet-5fps.pkl',
    mimeType: 'application/octet-stream',
    buffer: await readFile(join(REFERENCE, 'models/mcunet-5fps.pkl')),
  });
  await expect(app.page.getByText('42 layers')).toBeVisible();
  await app.field('Preset').selectOption({ label: 'Published 99 KB (default)' });
  for (const [place, name] of ['sunflower', 'dalmatian'].entries()) {
    const folder = join(REFERENCE, 'images', name);
    const images = (await readdir(folder)).filter((file) => file.endsWith('.jpg')).slice(0, 4);
    await app.field(`Add to Class ${place + 1}: files`).setInputFiles(images.map((file) => join(folder, file)));
    await expect(app.output(`Samples of Class ${place + 1}`)).toHaveText(`${images.length} samples`);
  }
  await app.set('Stop after steps', '1000000');
  await app.fullSpeed();
  await app.button('Play').click();
  await app.waitForSteps(1);
  await expectStepsPerSecond(app, 'MCUNet', 100, 5);
  expect(await app.number('Steps per second')).toBeGreaterThan(0);
});
