// What the passes of the compiler save, and the map without some of them.
import { barriers } from './support/axe.mjs';
import { expect, test } from './support/test.mjs';

const NAMES = ['prune', 'reorder', 'fuse', 'in place', 'row by row', 'hidden channel by hidden channel'];
const ROW_BY_ROW = NAMES.indexOf('row by row');

/** The waterfall, opened. */
async function openWaterfall(app) {
  const summary = app.page.locator('summary').filter({ hasText: /^The passes of the compiler .*save / });
  await summary.click();
  const list = app.page.getByRole('list', { name: 'What each pass of the compiler saves' });
  await expect(list).toBeVisible();
  const bytes = () =>
    list.getByRole('listitem').evaluateAll((rows) =>
      rows.map((row) => Number(/\(([\d,]+) B\)/.exec(row.textContent)[1].replaceAll(',', ''))),
    );
  const pass = (name) => list.getByRole('checkbox', { name, exact: true });
  return { list, bytes, pass, summary };
}

test('the waterfall falls to the peak memory', async ({ app }) => {
  await app.pause();
  const { list, bytes } = await openWaterfall(app);
  await expect(list.getByRole('listitem')).toHaveCount(1 + NAMES.length);
  const all = await bytes();
  expect(all).toEqual([...all].sort((a, b) => b - a));
  expect(all[0]).toBeGreaterThan(all[NAMES.length]);
  expect(all[NAMES.length]).toBe(await app.bytes('Peak memory'));
});

test('a pass that is switched off is left out on the map, and training goes on', async ({ app, page }) => {
  await app.pause();
  const peak = await app.bytes('Peak memory');
  const { bytes, pass } = await openWaterfall(app);
  const before = await bytes();
  const digest = await app.text('Weights digest');

  await pass(NAMES[ROW_BY_ROW]).focus();
  await page.keyboard.press('Space');
  await expect(page.getByText('Shown without: row by row.')).toBeVisible();
  await expect(page.getByText(/^Arena /)).not.toContainText(`(${peak.toLocaleString('en-US')} B)`);
  await expect.poll(async () => (await bytes())[ROW_BY_ROW + 1]).toBe(before[ROW_BY_ROW]);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(await barriers(page), 'without a pass').toEqual([]);
  expect(await app.bytes('Peak memory'), 'of what trains').toBe(peak);
  await expect(app.output('Weights digest')).toHaveText(digest);
  await app.button('Step').click();
  await expect(app.output('Weights digest')).not.toHaveText(digest);

  // Another policy is shown without the same pass.
  await app.ratio(1, '1').click();
  await expect.poll(() => app.bytes('Peak memory')).toBeGreaterThan(peak);
  await expect(page.getByText('Shown without: row by row.')).toBeVisible();

  await app.button('Back to all passes').click();
  await expect(page.getByText(/Shown without/)).toBeHidden();
  await expect(pass(NAMES[ROW_BY_ROW])).toBeChecked();
});

test('what is exported has all passes, whatever the map shows', async ({ app }) => {
  await app.pause();
  const before = await app.download(/qmeg/, { withWeights: false });
  const { pass } = await openWaterfall(app);
  for (const name of NAMES) await pass(name).uncheck();
  await expect(app.page.getByText(`Shown without: ${NAMES.join(', ')}.`)).toBeVisible();
  const after = await app.download(/qmeg/, { withWeights: false });
  expect(after.buffer.equals(before.buffer)).toBe(true);
});

test('the plan without passes is an outline behind the map', async ({ app, page }) => {
  await app.pause();
  const canvas = page.locator('.map-chart canvas').first();
  const picture = () => canvas.evaluate((element) => element.toDataURL());
  const before = await picture();
  const outline = page.getByRole('list', { name: 'Legend' }).getByRole('checkbox', { name: 'without passes' });
  await outline.check();
  await expect.poll(picture).not.toBe(before);
  await outline.uncheck();
  await expect.poll(picture).toBe(before);
});
