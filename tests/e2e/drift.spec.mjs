// A world that changes under the learners: chosen, run, paused, cancelled, and told in numbers.
import { barriers } from './support/axe.mjs';
import { expect, test } from './support/test.mjs';

const RUN_MILLIS = 40_000;
const LEARNERS = ['No learning', 'Classifier only', /^Biases of the last \d+ layers?$/, 'Sparse update', 'Full update'];

function driftOf(page) {
  const panel = page.getByRole('region', { name: 'Drift', exact: true });
  const button = (name) => panel.getByRole('button', { name, exact: true });
  const field = (name) => panel.getByLabel(name, { exact: true });
  return {
    panel,
    button,
    field,
    result: panel.getByRole('status', { name: 'Result of the drift' }),
    row: (name) => panel.getByRole('table', { name: 'Drift' }).getByRole('row').filter({
      has: page.getByRole('rowheader', { name }),
    }),
    set: async (name, value) => {
      await field(name).fill(value);
      await field(name).press('Enter');
    },
    prepare: async () => {
      await button('Prepare').click();
      await expect(button('Start')).toBeEnabled({ timeout: RUN_MILLIS });
    },
  };
}

test('the other arm is run, paused, gone on with, and told in numbers', async ({ open, site, page }) => {
  test.setTimeout(90_000);
  const app = await open(`${site.url}#v=1&scenario=watch&stop=2`);
  await app.waitForStop();
  const drift = driftOf(page);
  await drift.field('Change').selectOption('The other arm');
  // A window as it is, and one as it is by the other arm.
  await expect(drift.panel.getByRole('img', { name: /^Accelerometer/ })).toHaveCount(2);
  await drift.set('Steps before', '2');
  await drift.set('Steps after', '3');
  await drift.field('Seeds of a learner').selectOption('1');
  await drift.prepare();
  await expect(drift.panel.getByText(/^5 runs, about .*\.$/)).toBeVisible();
  await expect(drift.panel.getByText(/2 steps before the change, 3 after it, 1 seed\./)).toBeVisible();
  await expect(drift.panel.getByText(/Full update needs .* does not fit/)).toBeVisible();
  const cells = async (learner) => drift.row(learner).getByRole('cell').allTextContents();
  for (const learner of LEARNERS) expect(await cells(learner)).toHaveLength(8);

  await drift.button('Start').click();
  await drift.button('Pause').click();
  await expect(drift.button('Resume').or(drift.button('Start'))).toBeVisible();
  expect(await barriers(page)).toEqual([]);
  await drift.button('Resume').or(drift.button('Start')).click();
  await expect(drift.panel.getByText('All 5 runs are done.')).toBeVisible({ timeout: RUN_MILLIS });
  await expect(drift.result).toHaveText(/^Recovery: 3 steps after the change, accuracy is .* Forgetting, in points/);

  const [before, rightAfter, end, recovery, old, forgetting, bytes, fits] = await cells('No learning');
  expect([before, rightAfter, recovery, forgetting]).toEqual([old, end, '±0.0', '±0.0']);
  expect([bytes, fits]).toEqual(['none to learn', 'yes']);
  expect((await cells('Full update')).at(-1)).toBe('no');
  // Bytes are those of the plan.
  const planned = (await cells('Sparse update')).at(-2);
  expect(planned).toBe(await app.text('Peak memory'));
  await expect(drift.panel.getByRole('img', { name: /^Accuracy over the steps\. Recovery:/ })).toBeVisible();
  expect(await barriers(page)).toEqual([]);

  await drift.button('Close').click();
  await expect(drift.button('Prepare')).toBeEnabled();
  await expect(drift.result).toBeEmpty();
});

test('images lean, a class is withheld, and a drift is cancelled by keys alone', async ({ open, site, page }) => {
  const app = await open(`${site.url}#v=1&stop=2`);
  await app.waitForStop();
  const drift = driftOf(page);
  await expect(drift.panel.getByRole('img', { name: /, as it is$/ })).toHaveCount(6);
  const pixels = (name) => drift.panel.getByRole('img', { name }).first().evaluate((canvas) => canvas.toDataURL());
  const upright = await pixels(/, as it is$/);
  expect(await pixels(/, changed$/)).not.toBe(upright);
  await drift.set('Slant in degrees', '0');
  await expect.poll(() => pixels(/, changed$/)).toBe(upright);
  await drift.set('Slant in degrees', '99');
  await expect(drift.panel.getByRole('alert')).toHaveText('Give a whole number from -60 to 60.');

  await drift.field('Change').selectOption('A new class');
  await drift.field('Class that comes').selectOption('7');
  await expect(drift.panel.getByRole('img', { name: '7, what comes' })).toHaveCount(6);
  await expect(drift.panel.getByRole('img', { name: '7, before the change' })).toHaveCount(0);

  await drift.button('Prepare').focus();
  await page.keyboard.press('Enter');
  await expect(drift.button('Start')).toBeEnabled({ timeout: RUN_MILLIS });
  await drift.button('Start').focus();
  await page.keyboard.press('Space');
  await expect(drift.button('Pause')).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(drift.button('Cancel')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(drift.button('Prepare')).toBeEnabled();
  await expect(drift.panel.getByRole('table')).toHaveCount(0);
});

test('without samples the panel says what is missing, and links hide it', async ({ open, site, page }) => {
  await open(`${site.url}#v=1&scenario=own`);
  const drift = driftOf(page);
  await expect(drift.panel.getByText(/^Open a network and add samples first/)).toBeVisible();
  await expect(drift.button('Prepare')).toBeDisabled();
  expect(await barriers(page)).toEqual([]);
  await page.goto(`${site.url}#v=1&hide=drift`);
  await page.reload();
  await expect(page.getByRole('region', { name: 'Contributions', exact: true })).toBeVisible();
  await expect(drift.panel).toHaveCount(0);
});
