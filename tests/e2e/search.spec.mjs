// The search for a policy: planned, eliminated and trained in the page, gone on with after a reload, and
// what came of it loaded.
import { barriers } from './support/axe.mjs';
import { expect, test } from './support/test.mjs';

const LONG_MILLIS = 60_000;

function searchOf(page) {
  const panel = page.getByRole('region', { name: 'Search', exact: true });
  const button = (name) => panel.getByRole('button', { name, exact: true });
  const state = panel.locator('.how-far .number');
  return {
    panel,
    button,
    state,
    policies: panel.getByRole('table', { name: 'Policies of the search' }),
    /** Runs of the phase that are done. */
    done: async () => {
      const found = /: ([\d,]+) of/.exec(await state.textContent());
      return found ? Number(found[1].replaceAll(',', '')) : -1;
    },
    /** Begins a search that is soon over: backward elimination cannot reach its threshold. */
    begin: async () => {
      await panel.getByLabel('Seeds', { exact: true }).selectOption('1');
      await panel.getByLabel('Policies to plan', { exact: true }).fill('20');
      await panel.getByText('Limits', { exact: true }).click();
      const threshold = panel.getByLabel('Eliminate down to, %');
      await threshold.fill('99.5');
      await threshold.press('Enter');
      await button('Search').click();
      await expect(state).toContainText(/^Planning/);
    },
  };
}

test('a search is paused, goes on after a reload, and its policies are loaded', async ({ open, site, page }) => {
  test.setTimeout(180_000);
  const app = await open(`${site.url}#v=1&scenario=watch&stop=40&budget=60000`);
  await app.pause();
  const search = searchOf(page);
  await search.begin();
  await expect(search.panel.getByRole('progressbar', { name: 'Search for a policy' })).toBeVisible();
  await expect(search.state).toContainText('Training what was chosen', { timeout: LONG_MILLIS });
  await expect(search.panel.getByText(/^0 layers frozen.*so it stops/)).toBeVisible();
  await expect.poll(search.done, { timeout: LONG_MILLIS }).toBeGreaterThan(2);
  await search.button('Pause').click();
  await expect(search.button('Resume')).toBeVisible();
  const before = await search.done();
  await page.waitForTimeout(300);
  expect(await search.done()).toBe(before);
  expect(await barriers(page)).toEqual([]);

  await page.reload();
  await app.pause();
  await expect(search.button('Resume')).toBeVisible({ timeout: LONG_MILLIS });
  await search.button('Resume').click();
  await expect(search.state).toContainText(/^Done/, { timeout: LONG_MILLIS });
  await expect(search.panel.getByText(/^Within 58\.6 KiB .* is better than /)).toBeVisible();
  await expect(search.panel.getByText(/the exact bound .*: a gap of /)).toBeVisible();

  // Every policy that was trained stands in the table, with what the plan says of it.
  const row = search.policies.getByRole('row', { name: /^evolution/ }).first();
  const bytes = (await row.getByRole('cell').nth(1).textContent()).replaceAll(',', '');
  expect(Number(bytes)).toBeLessThanOrEqual(60_000);
  await row.getByRole('button', { name: /^Load: the policy of evolution/ }).click();
  await expect(row.getByRole('button')).toHaveText('Loaded');
  await expect(row.getByRole('button')).toBeFocused();
  await expect(page.locator('main')).toContainText(`(${Number(bytes).toLocaleString('en-US')} B)`);
  const loaded = page.url();
  await app.button('Undo').click();
  await expect.poll(() => page.url()).not.toBe(loaded);

  // By keys: the policy with the fewest bytes is the classifier alone.
  const chart = search.panel.getByRole('slider', { name: 'Policy', exact: true });
  await chart.focus();
  await page.keyboard.press('Home');
  await expect(chart).toHaveAttribute('aria-valuetext', /^classifier.* on the front$/);
  await page.keyboard.press('ArrowRight');
  await expect(chart).not.toHaveAttribute('aria-valuetext', /^classifier/);
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await expect.poll(() => page.url()).toMatch(/policy=-{30}/);
  await search.panel.getByText('Numbers', { exact: true }).last().click();
  await expect(search.panel.getByRole('table', { name: 'Differences in numbers' })).toBeVisible();
  expect(await barriers(page)).toEqual([]);
  await search.button('Close').click();
  await expect(search.button('Search')).toBeEnabled();
});

test('a search is cancelled, and what cannot be searched is said', async ({ open, site, page }) => {
  const app = await open(`${site.url}#v=1&scenario=watch&stop=2`);
  await app.waitForStop();
  const search = searchOf(page);
  await search.begin();
  await search.button('Cancel').click();
  await expect(search.button('Search')).toBeEnabled();
  await search.panel.getByText('Limits', { exact: true }).click();
  const macs = search.panel.getByLabel('Multiply-accumulates a step at most');
  await macs.fill('many');
  await macs.press('Enter');
  await expect(search.panel.getByText(/^Give a whole number/)).toBeVisible();
  await macs.fill('1000');
  await macs.press('Enter');
  await search.button('Search').click();
  await expect(page.getByText(/^Nothing fits: .* multiply-accumulates a step/)).toBeVisible();
  await expect(search.button('Search')).toBeEnabled();
  // Nothing of it is left.
  await page.reload();
  await app.waitForStop();
  await expect(search.button('Search')).toBeEnabled();
});
