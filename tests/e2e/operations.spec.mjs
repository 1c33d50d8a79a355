// Walking through one training step, operation by operation.
import { expect, test } from './support/test.mjs';

test.beforeEach(async ({ app }) => {
  await app.pause();
});

test('one operation forward and one back leads to the same place', async ({ app }) => {
  await app.button('Next operation').click();
  await expect(app.output('Operation')).not.toBeEmpty();
  const first = await app.text('Operation');

  await app.button('Next operation').click();
  await expect(app.output('Operation')).not.toHaveText(first);
  await app.button('Previous operation').click();
  await expect(app.output('Operation')).toHaveText(first);
});

test('looking inside a step trains nothing', async ({ app }) => {
  const digest = await app.text('Weights digest');
  await app.button('Next operation').click();
  await app.button('Jump to peak').click();
  await app.button('Previous operation').click();
  await expect(app.output('Weights digest')).toHaveText(digest);
});

test('whether a program was verified stays readable beside a long sentence', async ({ app, page }) => {
  // A streamed operation has the longest sentence.
  await app.button('Next operation').click();
  await expect(app.output('Operation')).toContainText('row by row');
  const { height } = await app.output('Verification').boundingBox();
  const { height: line } = await page.locator('.stateline').boundingBox();
  expect(height).toBeLessThanOrEqual(line);
});

test('the memory map can be read as a table', async ({ app }) => {
  await expect(app.page.getByLabel('Memory map', { exact: true })).toBeVisible();
  const table = app.page.getByRole('table', { name: 'Memory map as a table', exact: true });
  await expect(table.getByRole('row').nth(1)).toBeAttached();
});

test('why this peak: the tensors that are live there add up to it', async ({ app, page }) => {
  await app.pause();
  const why = page.locator('details').filter({ hasText: /^Why this peak:/ });
  const said = await why.locator('summary').textContent();
  const peak = Number(/\(([\d,]+) B\) are live during operation \d+ \(/.exec(said)[1].replaceAll(',', ''));
  expect(peak).toBe(await app.bytes('Peak memory'));
  await why.locator('summary').click();
  const rows = why.getByRole('table', { name: 'Live at the peak' }).locator('tbody tr');
  const cells = await rows.evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
  const sum = cells.reduce((total, [, bytes]) => total + Number(bytes.replaceAll(',', '')), 0);
  expect(sum).toBe(peak);
  const shares = cells.map(([, , share]) => Number.parseFloat(share));
  expect(shares).toEqual([...shares].sort((a, b) => b - a));
  expect(cells.map(([, , , role]) => role)).toContain('trainable weight');

  // Each names what it is there for, and the entries of the policy lead there.
  for (const [, , , , because] of cells) expect(because).toMatch(/needed for|learn|loss|remember/);
  const entry = rows.getByRole('button', { name: /^Layer \d+ of the policy: / }).first();
  const layer = /^Layer (\d+) /.exec(await entry.getAttribute('aria-label'))[1];
  await entry.click();
  await expect(page.locator(`#layer-${layer}`)).toBeFocused();
  await expect(page.locator(`#layer-${layer}`)).toBeInViewport();
});
