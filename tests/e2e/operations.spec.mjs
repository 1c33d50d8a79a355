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

test('the memory map can be read as a table', async ({ app }) => {
  await expect(app.page.getByLabel('Memory map', { exact: true })).toBeVisible();
  const table = app.page.getByRole('table', { name: 'Memory map as a table', exact: true });
  await expect(table.getByRole('row').nth(1)).toBeAttached();
});
