import { chromium } from '@playwright/test';
import { launchOptions } from './support/chromium.mjs';
import { host } from './support/host.mjs';
const site = await host(new URL('../../dist', import.meta.url).pathname);
const browser = await chromium.launch(launchOptions());
const [link, ...rest] = process.argv.slice(2);
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
page.on('console', (m) => console.log('console', m.text()));
await page.goto(`${site.url}#${link}`);
const panel = page.getByRole('region', { name: 'Search', exact: true });
await panel.getByRole('button', { name: 'Search', exact: true }).waitFor();
await page.waitForTimeout(4000);
await panel.scrollIntoViewIfNeeded();
await panel.screenshot({ path: '/tmp/s0.png' });
const t0 = Date.now();
await panel.getByLabel('Seeds', { exact: true }).selectOption('1');
const plans = panel.getByLabel('Policies to plan', { exact: true });
await plans.fill('200'); await plans.press('Enter');
await panel.getByRole('button', { name: 'Search', exact: true }).click();
let last = '';
for (let i = 0; i < 2400; i++) {
  await page.waitForTimeout(250);
  const text = await panel.locator('.how-far .number').textContent();
  const phase = text.split(/[:.]/)[0];
  if (phase !== last) { console.log((Date.now() - t0) / 1000, text); last = phase; await panel.screenshot({ path: `/tmp/s-${phase.slice(0, 4)}.png` }); }
  if (text.startsWith('Done')) break;
}
console.log((Date.now() - t0) / 1000, await panel.locator('.how-far .number').textContent());
for (const [name, width, height, scheme] of [['d-light', 1280, 800, 'light'], ['d-dark', 1280, 800, 'dark'], ['p-light', 390, 844, 'light']]) {
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: scheme });
  await page.waitForTimeout(700);
  await panel.screenshot({ path: `/tmp/s-${name}.png` });
}
await browser.close(); await site.close();
