// The Person scenario: images from a camera or from files, learned, recognized, exported.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { barriers } from './support/axe.mjs';
import { launchOptions } from './support/chromium.mjs';
import { dist } from './support/host.mjs';
import { expect, test } from './support/test.mjs';

const PERSON = '#v=1&scenario=person';

const options = launchOptions();
test.use({
  // A picture that moves takes the place of a camera. Permission is given by the tests.
  launchOptions: { ...options, args: [...options.args, '--use-fake-device-for-media-stream'] },
});

/** The page in the Person scenario, its network planned. */
async function openPerson(open, site) {
  const app = await open(`${site.url}${PERSON}`);
  await expect(app.field('Name of class Me')).toBeVisible();
  await expect(app.field('Name of class Not me')).toBeVisible();
  await expect.poll(() => app.bytes('Peak memory').catch(() => 0)).toBeGreaterThan(0);
  return app;
}

/** The camera runs and shows something. */
async function useCamera(app) {
  await app.page.context().grantPermissions(['camera']);
  await app.button('Use camera').click();
  const video = app.page.getByLabel('What the camera sees, as in a mirror');
  await expect(video).toBeVisible();
  await expect.poll(() => video.evaluate((element) => element.videoWidth)).toBeGreaterThan(0);
  return video;
}

async function samplesOf(app, name) {
  return (await app.output(`Samples of ${name}`).count()) === 0 ? 0 : app.number(`Samples of ${name}`);
}

/** Holds the button of a class until so many images are there. */
async function capture(app, name, count) {
  const box = await app.button(`Capture ${name}`).boundingBox();
  await app.page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await app.page.mouse.down();
  await expect.poll(() => samplesOf(app, name), { timeout: 20_000 }).toBeGreaterThanOrEqual(count);
  await app.page.mouse.up();
  const taken = await samplesOf(app, name);
  await app.page.waitForTimeout(500);
  expect(await samplesOf(app, name), 'none after the button was let go').toBeLessThanOrEqual(taken + 1);
}

/** Images in one grey, with a stripe at another place in each. */
function plain(page, grey, count) {
  return page
    .evaluate(
      ([grey, count]) =>
        Array.from({ length: count }, (_, at) => {
          const canvas = document.createElement('canvas');
          [canvas.width, canvas.height] = [120, 96];
          const context = canvas.getContext('2d');
          context.fillStyle = `rgb(${grey}, ${grey}, ${grey})`;
          context.fillRect(0, 0, 120, 96);
          context.fillStyle = '#777';
          context.fillRect(20 + 5 * at, 0, 6, 96);
          return canvas.toDataURL('image/png').split(',')[1];
        }),
      [grey, count],
    )
    .then((all) =>
      all.map((base64, at) => ({
        name: `grey-${grey}-${at}.png`,
        mimeType: 'image/png',
        buffer: Buffer.from(base64, 'base64'),
      })),
    );
}

async function add(app, name, files) {
  await app.field(`Add to ${name}: files`).setInputFiles(files);
}

/** Whether a track of a camera still runs, as the browser sees it. */
const running = () => globalThis.tracksOfTest.some((track) => track.readyState === 'live');

/** Keeps the tracks that the page is given. */
function watchTracks(page) {
  return page.addInitScript(() => {
    globalThis.tracksOfTest = [];
    const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      const stream = await original(wanted);
      globalThis.tracksOfTest.push(...stream.getTracks());
      return stream;
    };
  });
}

test('the camera takes images of two classes, and the network learns them', async ({ open, site, page }) => {
  await watchTracks(page);
  const app = await openPerson(open, site);
  expect(await app.bytes('Peak memory')).toBeLessThan(256 * 1024);
  // Nobody was asked for the camera.
  expect(await page.evaluate(() => globalThis.tracksOfTest.length)).toBe(0);
  const video = await useCamera(app);
  expect(await video.evaluate((element) => getComputedStyle(element).transform)).toContain('matrix(-1');
  await capture(app, 'Me', 10);
  await app.button('Capture Not me').click();
  expect(await samplesOf(app, 'Not me')).toBe(1);
  await capture(app, 'Not me', 10);
  await expect(page.getByText(/\d+ to learn from, \d+ held out/).first()).toBeVisible();

  await app.set('Stop after steps', '40');
  await app.fullSpeed();
  await app.button('Play').click();
  await app.waitForSteps(1);
  const seen = page.getByRole('group', { name: 'Camera', exact: true }).getByRole('list', { name: 'Prediction' });
  await expect(seen.locator('.best')).toHaveText(/(Me|Not me).*%/);
  await app.waitForStop();
  await expect.poll(() => app.number('Accuracy'), { timeout: 20_000 }).not.toBeNaN();

  expect(await page.evaluate(running)).toBe(true);
  await app.button('Stop camera').click();
  await expect(app.button('Use camera')).toBeFocused();
  await expect(video).toHaveCount(0);
  expect(await page.evaluate(running)).toBe(false);
});

test('the camera stops when the page is hidden and when the scenario is left', async ({ open, site, page }) => {
  await watchTracks(page);
  const app = await openPerson(open, site);
  await useCamera(app);
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await expect(app.button('Use camera')).toBeVisible();
  expect(await page.evaluate(running)).toBe(false);
  await page.evaluate(() => delete document.hidden);
  await useCamera(app);
  expect(await page.evaluate(running)).toBe(true);
  await app.field('Scenario').selectOption('keyboard');
  await app.waitForSteps(0);
  await expect.poll(() => page.evaluate(running)).toBe(false);
});

test('image files are learned, recognized, exported and opened again', async ({ open, site, page }) => {
  const app = await openPerson(open, site);
  await add(app, 'Me', await plain(page, 220, 10));
  await add(app, 'Not me', await plain(page, 20, 10));
  await expect(page.getByText('16 to learn from, 4 held out').first()).toBeVisible();
  await app.set('Stop after steps', '80');
  await app.fullSpeed();
  await app.button('Play').click();
  await app.waitForSteps(80);
  await app.waitForStop();
  await expect.poll(() => app.number('Accuracy'), { timeout: 20_000 }).toBe(100);
  const [tried] = await plain(page, 225, 1);
  await app.field('Try a file: files').setInputFiles({ ...tried, name: 'tried.png' });
  await expect(page.getByRole('img', { name: 'Tried: tried.png' })).toBeVisible();
  const best = page.getByRole('list', { name: 'Prediction' }).locator('.best');
  await expect(best).toContainText('Me');
  await expect(best).not.toContainText('Not me');

  const digest = await app.text('Weights digest');
  for (const kind of [/\.json/, /\.qmeg/]) {
    const { name, buffer } = await app.download(kind);
    await app.button('Reset').click();
    await expect.poll(() => app.number('Steps')).toBe(0);
    await app.openFile(name, buffer);
    await expect(app.output('Weights digest')).toHaveText(digest);
    expect(await app.number('Steps')).toBe(80);
  }
});

test('a link brings scenario, classes and policy', async ({ open, site, page }) => {
  const app = await open(`${site.url}${PERSON}&head=3&policy=${'-'.repeat(26)}b`);
  await expect(app.field('Name of class Class 3')).toBeVisible();
  await expect.poll(() => app.bytes('Peak memory').catch(() => 0)).toBeGreaterThan(0);
  expect(new URL(page.url()).hash).toContain('head=3');
  await app.field('Preset').selectOption({ label: 'Sparse update (default)' });
  await expect.poll(() => new URL(page.url()).hash).not.toContain('policy=');
});

test('without permission the page says so, and files do', async ({ open, site, page }) => {
  const app = await openPerson(open, site);
  await app.button('Use camera').click();
  const alert = page.getByRole('alert').filter({ hasText: 'The camera was not allowed.' });
  await expect(alert).toContainText('Image files do as well');
  await expect(app.button('Use camera')).toBeEnabled();
  await add(app, 'Me', await plain(page, 200, 2));
  await expect(app.output('Samples of Me')).toHaveText('2 samples');
});

for (const [name, stub, words] of [
  [
    'without a camera',
    () => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('none', 'NotFoundError'));
    },
    'There is no camera on this machine.',
  ],
  [
    'with a camera that another program uses',
    () => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('busy', 'NotReadableError'));
    },
    'perhaps another program uses it',
  ],
  [
    'on a page that did not come safely',
    () => Object.defineProperty(navigator, 'mediaDevices', { value: undefined }),
    'browsers give one to pages from https',
  ],
]) {
  test(`${name} the page says so`, async ({ open, site, page }) => {
    await page.addInitScript(stub);
    const app = await openPerson(open, site);
    await app.button('Use camera').click();
    await expect(page.getByRole('alert').filter({ hasText: words })).toContainText('Image files do as well');
  });
}

test('everything about the camera works with keys alone', async ({ open, site, page }) => {
  const app = await openPerson(open, site);
  await page.context().grantPermissions(['camera']);
  await app.button('Use camera').focus();
  await page.keyboard.press('Enter');
  const video = page.getByLabel('What the camera sees, as in a mirror');
  await expect.poll(() => video.evaluate((element) => element.videoWidth)).toBeGreaterThan(0);
  await expect(app.button('Stop camera')).toBeFocused();
  await app.button('Capture Me').focus();
  await page.keyboard.press('Space');
  await expect(app.output('Samples of Me')).toHaveText('1 sample');
  await page.keyboard.press('Enter');
  await expect(app.output('Samples of Me')).toHaveText('2 samples');
  await page.keyboard.down('Space');
  await expect.poll(() => samplesOf(app, 'Me')).toBeGreaterThanOrEqual(5);
  await page.keyboard.up('Space');
  // The keys of the page have not played meanwhile.
  expect(await app.number('Steps')).toBe(0);
  await expect(app.button('Play')).toBeVisible();
});

test('a network of one’s own takes images of the camera, too', async ({ open, site, page }) => {
  const app = await open(`${site.url}#v=1&scenario=own`);
  const buffer = await readFile(join(dist, 'static/models/keyboard.safetensors'));
  await app.openFile('mine.safetensors', buffer);
  await expect(page.getByText('30 layers')).toBeVisible();
  await useCamera(app);
  await capture(app, 'Class 1', 3);
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds no barrier around the camera in ${colorScheme} colours`, async ({ open, site, page }) => {
    await page.emulateMedia({ colorScheme });
    const app = await openPerson(open, site);
    await useCamera(app);
    await capture(app, 'Me', 3);
    expect(await barriers(page)).toEqual([]);
  });
}
