// Files and folders that are dragged from the desktop, as the browser itself hands them over.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { dist } from './support/host.mjs';
import { expect, test } from './support/test.mjs';

const REFERENCE = process.env.QUARTERMEG_REFERENCE_DIR ?? '';

/** Drops paths of this machine in the middle of an element. */
async function drop(page, element, files) {
  await element.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await element.boundingBox();
  const at = { x: x + width / 2, y: y + height / 2 };
  const client = await page.context().newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop']) {
    await client.send('Input.dispatchDragEvent', { type, ...at, data });
  }
}

function map(page) {
  return page.getByRole('region', { name: /^Memory/ });
}

/** Small images of a grey, one folder for each of the greys. */
async function writeFolders(page, folder, greys) {
  for (const [name, grey] of Object.entries(greys)) {
    await mkdir(join(folder, name), { recursive: true });
    const url = await page.evaluate((fill) => {
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [48, 48];
      const context = canvas.getContext('2d');
      context.fillStyle = fill;
      context.fillRect(0, 0, 48, 48);
      return canvas.toDataURL('image/png');
    }, grey);
    const bytes = Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
    for (const file of ['a.png', 'b.png', 'c.png']) await writeFile(join(folder, name, file), bytes);
  }
}

test('a network and a folder of classes are dragged from the desktop', async ({ open, site, page }, info) => {
  const app = await open(`${site.url}#v=1&scenario=own`);
  await expect(app.button('Open a network')).toBeVisible();
  await drop(page, map(page), [join(dist, 'static/models/keyboard.safetensors')]);
  await expect(page.getByText('30 layers')).toBeVisible();

  const folder = info.outputPath('greys');
  await writeFolders(page, folder, { dark: '#222', light: '#ddd' });
  await drop(page, page.getByRole('group', { name: /^All classes/ }), [folder]);
  for (const name of ['dark', 'light']) await expect(app.output(`Samples of ${name}`)).toHaveText('3 samples');
});

test('a folder falls into one class', async ({ open, site, page }, info) => {
  const app = await open(`${site.url}#v=1&scenario=own`);
  await drop(page, map(page), [join(dist, 'static/models/keyboard.safetensors')]);
  const folder = info.outputPath('greys');
  await writeFolders(page, folder, { dark: '#222' });
  await drop(page, page.getByRole('group', { name: /^Class Class 2/ }), [join(folder, 'dark')]);
  await expect(app.output('Samples of Class 2')).toHaveText('3 samples');
});

test('published networks are dragged from the desktop', async ({ open, site, page }) => {
  test.skip(!existsSync(join(REFERENCE, 'models')), 'QUARTERMEG_REFERENCE_DIR names no folder with networks');
  const app = await open(`${site.url}#v=1&scenario=own`);
  for (const [file, words] of [
    ['models/mcunet-5fps.pkl', 'mcunet-5fps.pkl: tiny-training network, 42 layers'],
    ['tflite/vww_96_int8.tflite', 'vww_96_int8.tflite: TensorFlow Lite network'],
  ]) {
    await drop(page, map(page), [join(REFERENCE, file)]);
    await expect(page.getByRole('region', { name: /^Your samples/ })).toContainText(words);
  }
  await expect(app.button('Add class')).toBeVisible();
});

test("TinyEngine's graph is dragged from the desktop", async ({ app, page }) => {
  const graph = join(REFERENCE, 'tinyengine/49kb-int8-graph.json');
  test.skip(!existsSync(graph), 'QUARTERMEG_REFERENCE_DIR names no folder with TinyEngine graphs');
  await app.pause();
  await drop(page, map(page), [graph]);
  await expect(map(page)).toContainText("TinyEngine's released schedule, re-created: 192 operations");
});
