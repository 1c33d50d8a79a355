// Drives the finished page in the system's own Chromium; `cargo xtask test e2e` starts it.
// By hand: `cargo xtask dist`, then `npx playwright test --config tests/e2e/playwright.config.mjs`.
import { defineConfig } from '@playwright/test';

import { launchOptions } from './support/chromium.mjs';

const output = process.env.QUARTERMEG_E2E_OUTPUT ?? '../../target/e2e';
const report = process.env.QUARTERMEG_E2E_REPORT ?? '../../target/e2e-report.json';

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.mjs',
  outputDir: output,
  reporter: [['list'], ['json', { outputFile: report }]],
  // One page at a time: tests of speed would otherwise measure their neighbours.
  workers: 1,
  // A test that passes only now and then is a fault to be found, not repeated away.
  retries: 0,
  forbidOnly: true,
  timeout: 60_000,
  globalTimeout: 20 * 60_000,
  expect: { timeout: 10_000 },
  use: {
    browserName: 'chromium',
    launchOptions: launchOptions(),
    locale: 'en-US',
    // Every test opens the page for the first time; offline.spec.mjs is about the second.
    serviceWorkers: 'block',
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
  },
  projects: [
    {
      name: 'desktop',
      use: { viewport: { width: 1280, height: 800 } },
    },
    {
      name: 'phone',
      // What depends on the size of the screen; the rest would only be run twice.
      testMatch: ['start.spec.mjs', 'accessibility.spec.mjs'],
      use: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
    },
  ],
});
