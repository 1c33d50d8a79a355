// The page on any static host, under any path, and by itself.
import { dist, host } from './support/host.mjs';
import { expect, test } from './support/test.mjs';

test('the page works below a path', async ({ open }) => {
  const site = await host(dist, '/some/path/');
  try {
    const app = await open(site.url);
    await app.waitForSteps(1);
    await expect(app.page.locator('html')).toHaveAttribute('data-simd', 'page:true worker:true');
  } finally {
    await site.close();
  }
});

test('a reload begins afresh without a fault', async ({ app }) => {
  await app.page.reload();
  await app.waitForSteps(1);
});
