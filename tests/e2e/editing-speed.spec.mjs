// How soon an edit of the policy of a network with 60 layers is seen, and what other choices would cost.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { BUILD_MILLIS, nativeRate } from './support/speed.mjs';
import { expect, test } from './support/test.mjs';

/** Folder with published networks; without it the test is left out. */
const REFERENCE = process.env.QUARTERMEG_REFERENCE_DIR;
/** Edits, of which the one in the middle counts: some policies are hard to plan, and the machine has other work. */
const EDITS = 24;
/** In which an edit is to be seen, in milliseconds: before one feels that one waits. */
const SEEN_MILLIS = 50;
/** Native steps a second of Keyboard on a machine that is not slow; a slower one may take longer by as much. */
const NOT_SLOW = 800;

test('an edit of 60 layers is seen at once, and its costs within a second', async ({ open, site }) => {
  test.setTimeout(BUILD_MILLIS);
  test.skip(REFERENCE === undefined, 'QUARTERMEG_REFERENCE_DIR names no folder with published networks');
  const app = await open(`${site.url}#v=1&scenario=own`);
  await app.page.getByRole('banner').locator('input[type=file]').setInputFiles({
    name: 'proxyless-w0.3.pkl',
    mimeType: 'application/octet-stream',
    buffer: await readFile(join(REFERENCE, 'models/proxyless-w0.3.pkl')),
  });
  await expect(app.page.getByText('60 layers')).toBeVisible();
  await expect(app.page.locator('.layer')).toHaveCount(60);
  const took = { seen: [], costs: [] };
  for (let edit = 0; edit < EDITS; edit += 1) {
    await expect(app.page.locator('.layers.stale')).toHaveCount(0);
    // In the page, where no message of the test takes its time.
    const [seen, costs] = await app.page.evaluate((layer) => {
      const peak = document.querySelector('[aria-label="Peak memory"]');
      const list = document.querySelector('.layers');
      const before = peak.textContent;
      const radios = [...document.querySelectorAll(`#layer-${layer} input[type=radio]`)];
      const other = radios.at(radios[4].checked ? 0 : 4);
      const begin = performance.now();
      return new Promise((resolve) => {
        let seen;
        const look = () => {
          if (seen === undefined && peak.textContent !== before) seen = performance.now() - begin;
          // What is left of the frame is drawn before the next one begins.
          if (seen !== undefined && !list.classList.contains('stale')) resolve([seen, performance.now() - begin]);
          else requestAnimationFrame(look);
        };
        other.click();
        requestAnimationFrame(look);
      });
    }, 40 + (edit % 6));
    took.seen.push(seen);
    took.costs.push(costs);
  }
  const median = (all) => all.toSorted((one, other) => one - other)[Math.floor(all.length / 2)];
  const digits = (all) => all.map((it) => it.toFixed(0)).join(', ');
  console.log(`an edit of 60 layers is seen after ${digits(took.seen)} ms, its costs after ${digits(took.costs)} ms`);
  console.log(`in the middle ${digits([median(took.seen)])} ms and ${digits([median(took.costs)])} ms`);
  const native = median(took.seen) < SEEN_MILLIS ? NOT_SLOW : await nativeRate('Keyboard');
  const slower = Math.max(1, NOT_SLOW / native);
  expect(median(took.seen), `milliseconds, on a machine ${slower} times slower`).toBeLessThan(SEEN_MILLIS * slower);
  expect(median(took.costs)).toBeLessThan(1_000 * slower);
});
