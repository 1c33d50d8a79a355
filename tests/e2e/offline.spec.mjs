// The page without a network, and a newer build of it.
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { dist, host } from './support/host.mjs';
import { expect, test } from './support/test.mjs';

test.use({ serviceWorkers: 'allow' });

/** The names of the caches, once the browser keeps every file of a build and nothing else. */
async function kept(page) {
  return page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    return caches.keys();
  });
}

test('after the first visit the page works without a network, in every scenario', async ({ open, context }) => {
  const site = await host(dist, '/some/path/');
  const app = await open(site.url);
  await app.waitForSteps(1);
  expect(await kept(app.page)).toHaveLength(1);
  await site.close();
  await context.setOffline(true);

  await app.page.reload();
  await app.waitForSteps(1);
  await app.field('Scenario').selectOption('watch');
  await expect(app.page.getByRole('status', { name: 'Peak memory' })).toContainText('108,792 B');
  await app.page.goto(`${site.url}?from=a-bookmark#v=1&scenario=person`);
  await expect(app.field('Scenario')).toHaveValue('person');
});

test('a newer build takes the place of the older one, whose files are deleted', async ({ open }) => {
  const folder = await mkdtemp(join(tmpdir(), 'quartermeg-build-'));
  await cp(dist, folder, { recursive: true });
  const site = await host(folder);
  try {
    const app = await open(site.url);
    await app.waitForSteps(1);
    const [old] = await kept(app.page);

    const [index, build] = ['index.html', 'build.js'].map((file) => join(folder, file));
    await writeFile(index, (await readFile(index, 'utf8')).replace('<title>', '<title>New: '));
    await writeFile(build, (await readFile(build, 'utf8')).replace(old.slice('quartermeg-'.length), 'newer'));
    // The visit that finds the newer build still shows the older one, whole.
    await app.page.reload();
    await app.waitForSteps(1);
    await expect(app.page).toHaveTitle(/^Quartermeg/);
    await expect.poll(() => kept(app.page), { timeout: 20_000 }).toContain('quartermeg-newer');
    await expect(async () => {
      await app.page.reload();
      await expect(app.page).toHaveTitle(/^New: Quartermeg/, { timeout: 500 });
    }).toPass({ timeout: 30_000, intervals: [4000] });
    expect(await kept(app.page)).toEqual(['quartermeg-newer']);
  } finally {
    await site.close();
    await rm(folder, { recursive: true });
  }
});
