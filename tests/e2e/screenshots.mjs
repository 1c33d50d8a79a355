// Writes the pictures of the page: `node screenshots.mjs <folder of the page> <folder of the pictures>`.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { chromium } from '@playwright/test';

import { launchOptions } from './support/chromium.mjs';
import { App } from './support/app.mjs';
import { host } from './support/host.mjs';

/** Long enough for the accuracy of the last weights to be measured. */
const REST_MILLIS = 3_000;

const SCREENS = {
  desktop: { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
};

/** Folder with published networks; without it there is no picture of one. */
const REFERENCE = process.env.QUARTERMEG_REFERENCE_DIR;

/** MCUNet under its published scheme of 99 KB: what the passes save, and the plan without them behind the map. */
async function passesOfMcunet(page, url) {
  const app = new App(page);
  await page.goto(`${url}#v=1&scenario=own`);
  const buffer = await readFile(join(REFERENCE, 'models/mcunet-5fps.pkl'));
  await app.openFile('mcunet-5fps.pkl', buffer);
  await app.field('Preset').selectOption({ label: 'Published 99 KB (default)' });
  await page.getByText(/^The passes of the compiler save/).click();
  await app.field('without passes').check();
  await app.button('Dismiss').click();
  await page.waitForTimeout(REST_MILLIS);
}

const [dist, pictures] = process.argv.slice(2);
await mkdir(pictures, { recursive: true });
const site = await host(dist);
const browser = await chromium.launch(launchOptions());
try {
  for (const [name, screen] of Object.entries(SCREENS)) {
    for (const colorScheme of ['light', 'dark']) {
      const context = await browser.newContext({ ...screen, colorScheme, locale: 'en-US' });
      const page = await context.newPage();
      await page.goto(site.url);
      const app = new App(page);
      await app.waitForSteps(1);
      await app.fullSpeed();
      await app.waitForStop();
      await page.waitForTimeout(REST_MILLIS);
      const path = join(pictures, `${name}-${colorScheme}.png`);
      await page.screenshot({ path });
      console.error(path);
      await context.close();
    }
  }
  if (REFERENCE !== undefined) {
    const context = await browser.newContext({ ...SCREENS.desktop, colorScheme: 'light', locale: 'en-US' });
    const page = await context.newPage();
    await passesOfMcunet(page, site.url);
    const path = join(pictures, 'passes-light.png');
    await page.screenshot({ path });
    console.error(path);
    await context.close();
  }
} finally {
  await browser.close();
  await site.close();
}
