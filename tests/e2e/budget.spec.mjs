// A plan that does not fit the budget: where a step would end, and what helps.
import { barriers } from './support/axe.mjs';
import { expect, test } from './support/test.mjs';

test('a step that runs out of memory says where, and the cheapest changes help', async ({ app, page }) => {
  await app.pause();
  const peak = await app.bytes('Peak memory');
  const card = page.getByRole('region', { name: 'Out of memory' });
  await expect(card).toBeHidden();
  const budget = peak - 4_000;
  await app.field('Memory budget').fill(String(budget));
  await app.field('Memory budget').press('Enter');
  await expect(card).toContainText(/Out of memory at operation \d+ of \d+ \(.+\): .+ needs .+, the largest hole that can be left is /);
  await expect(card).toContainText('The whole step lacks 3.9 KiB (4,000 B).');

  const fixes = card.getByRole('list', { name: 'The cheapest changes that fit' }).getByRole('listitem');
  await expect(fixes).toHaveCount(2, { timeout: 30_000 });
  expect(await barriers(page), 'out of memory').toEqual([]);
  const lost = await fixes.evaluateAll((all) =>
    all.map((item) => Number(/; ([\d,]+) parameters? learn/.exec(item.textContent)[1].replaceAll(',', ''))),
  );
  expect(lost).toEqual([...lost].sort((a, b) => a - b));
  const promised = Number(/needs [^(]*\(([\d,]+) B\)/.exec(await fixes.first().textContent())[1].replaceAll(',', ''));
  await fixes.first().getByRole('button', { name: /^Apply: / }).click();
  await expect(card).toBeHidden();
  await expect.poll(() => app.bytes('Peak memory')).toBe(promised);

  await app.button('Undo').click();
  await expect.poll(() => app.bytes('Peak memory')).toBe(peak);
  await expect(card).toBeVisible();
  // The operation can be looked at.
  await card.getByRole('button', { name: /^operation / }).click();
  await expect(page.locator('.inspector')).toContainText('Operation');
});

test('where nothing helps, the page says so', async ({ open, page, site }) => {
  await open(`${site.url}#v=1&scenario=person&budget=20000`);
  const card = page.getByRole('region', { name: 'Out of memory' });
  await expect(card).toContainText(/No policy fits: learning the classifier alone needs .*\d B\)/, { timeout: 30_000 });
  await expect(card.getByRole('button', { name: /^Apply: / })).toHaveCount(0);
});
