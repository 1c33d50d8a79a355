// The `test` of this folder: Playwright's, with a host, an opened page and an eye on faults.
import { test as base, expect } from '@playwright/test';

import { App } from './app.mjs';
import { watch } from './faults.mjs';
import { dist, host } from './host.mjs';

export { expect };

export const test = base.extend({
  /** The finished page on a host, one for all tests. */
  site: [
    async ({}, use) => {
      const site = await host(dist);
      await use(site);
      await site.close();
    },
    { scope: 'worker' },
  ],

  /** Opens an address in a watched page; the test fails on any fault that is seen until its end. */
  open: async ({ page }, use) => {
    let faults = [];
    await use(async (url) => {
      faults = await watch(page, new URL(url).origin);
      await page.goto(url);
      return new App(page);
    });
    expect(faults, 'faults of the page').toEqual([]);
  },

  /** The page, opened and training. */
  app: async ({ open, site }, use) => {
    const app = await open(site.url);
    await app.waitForSteps(1);
    await use(app);
  },
});
