// The watch over the page, watched: each fault that it promises to see, committed on purpose.
import { expect, test } from '@playwright/test';

import { watch } from './support/faults.mjs';

const ORIGIN = 'http://page.test';
const POLICY = `default-src 'none'; script-src 'self'; connect-src *; worker-src 'self'`;

/** What is seen when a page runs `script`, possibly in a worker. */
async function faultsOf(page, script, files = {}) {
  await page.route('**/*', (route) => {
    const { origin, pathname } = new URL(route.request().url());
    const body = origin === ORIGIN ? { '/main.js': script, ...files }[pathname] : '';
    const html = `<!doctype html><html lang="en"><title>Faulty</title><script src="main.js"></script></html>`;
    if (pathname === '/') {
      return route.fulfill({ contentType: 'text/html', headers: { 'Content-Security-Policy': POLICY }, body: html });
    }
    if (body === undefined) return route.fulfill({ status: 404, body: '' });
    return route.fulfill({ contentType: 'text/javascript', body, headers: { 'Access-Control-Allow-Origin': '*' } });
  });
  const faults = await watch(page, ORIGIN);
  await page.goto(`${ORIGIN}/`);
  return faults;
}

const cases = [
  ['an error on the console', `console.error('broken')`, /^console: broken/],
  ['an uncaught error', `throw new Error('broken')`, /^uncaught: broken/],
  ['a missing file', `fetch('missing.json')`, /^console: .*404/],
  ['a request to another origin', `fetch('http://elsewhere.test/')`, /^request to another origin: http:\/\/elsewhere/],
  ['a breach of the policy', `document.body.setAttribute('style', 'color: red')`, /^content security policy: style-src/],
];

for (const [name, script, expected] of cases) {
  test(`the watch sees ${name}`, async ({ page }) => {
    const faults = await faultsOf(page, `addEventListener('DOMContentLoaded', () => { ${script} })`);
    await expect.poll(() => faults).toContainEqual(expect.stringMatching(expected));
  });
}

test('the watch sees an uncaught error in a worker', async ({ page }) => {
  const faults = await faultsOf(page, `new Worker('worker.js')`, { '/worker.js': `throw new Error('broken')` });
  await expect.poll(() => faults.join('\n')).toContain('broken');
});

test('the watch sees nothing where nothing is wrong', async ({ page }) => {
  const faults = await faultsOf(page, `console.log('fine')`);
  await page.waitForTimeout(500);
  expect(faults).toEqual([]);
});
