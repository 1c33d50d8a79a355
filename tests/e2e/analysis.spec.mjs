// What layers contribute: measured in the page, gone on with after a reload, and shown.
import { readFile } from 'node:fs/promises';

import { barriers } from './support/axe.mjs';
import { expect, test } from './support/test.mjs';

const RUN_MILLIS = 40_000;

function analysisOf(page) {
  const panel = page.getByRole('region', { name: 'Contributions', exact: true });
  const button = (name) => panel.getByRole('button', { name, exact: true });
  return {
    panel,
    button,
    progress: panel.getByRole('progressbar', { name: 'Contribution analysis' }),
    /** Runs that are done. */
    done: async () => {
      const text = await panel.getByText(/^[\d,]+ of [\d,]+ runs done/).textContent();
      return Number(/^[\d,]+/.exec(text)[0].replaceAll(',', ''));
    },
    prepare: async (seeds, steps) => {
      await panel.getByLabel('Seeds', { exact: true }).selectOption(seeds);
      await panel.getByLabel('Steps of a run', { exact: true }).fill(steps);
      await panel.getByLabel('Steps of a run', { exact: true }).press('Enter');
      await button('Analyse').click();
      await expect(button('Start')).toBeEnabled({ timeout: RUN_MILLIS });
    },
  };
}

test('what ships is shown, and every layer is named by keys', async ({ app, page }) => {
  await app.pause();
  const { panel } = analysisOf(page);
  await expect(panel.getByText(/3 seeds, 500 steps each, on 500 samples/)).toBeVisible();
  const chart = panel.getByRole('slider', { name: 'Contribution of layer' });
  await chart.focus();
  await page.keyboard.press('End');
  await expect(chart).toHaveAttribute('aria-valuetext', /^Layer 29, .*: bias .*, 1 [+−±]/);
  await page.keyboard.press('ArrowLeft');
  await expect(chart).toHaveAttribute('aria-valuetext', /^Layer 28, /);
  await page.keyboard.press('Escape');
  await expect(chart).toHaveAttribute('aria-valuetext', 'no layer');
  expect(await barriers(page)).toEqual([]);
});

test('what ships says so when it was measured with other settings', async ({ app, page }) => {
  await app.pause();
  const foreign = analysisOf(page).panel.getByText(/Measured with other settings/);
  await app.field('Channels of a ratio').selectOption({ index: 1 });
  await expect(foreign).toBeVisible({ timeout: RUN_MILLIS });
  // What was there at first is what the command line measured.
  await app.button('Undo').click();
  await expect(foreign).toHaveCount(0, { timeout: RUN_MILLIS });
});

test('an analysis is paused, goes on after a reload, and is shown and saved', async ({ open, site, page }) => {
  test.setTimeout(120_000);
  const address = `${site.url}#v=1&scenario=watch&stop=2`;
  const app = await open(address);
  await app.waitForStop();
  const analysis = analysisOf(page);
  await analysis.prepare('1', '2');
  await expect(analysis.panel.getByText(/^\d+ runs, about .*\.$/)).toBeVisible();
  await expect(analysis.panel.getByText(/times fewer multiply-accumulates/)).toBeVisible();

  await analysis.button('Start').click();
  await expect.poll(analysis.done, { timeout: RUN_MILLIS }).toBeGreaterThan(8);
  await analysis.button('Pause').click();
  await expect(analysis.button('Resume')).toBeVisible();
  const before = await analysis.done();
  await page.waitForTimeout(300);
  expect(await analysis.done()).toBe(before);
  expect(await barriers(page)).toEqual([]);

  await page.reload();
  await expect(analysis.button('Resume')).toBeEnabled({ timeout: RUN_MILLIS });
  await expect.poll(analysis.done).toBe(before);
  await analysis.button('Resume').click();
  await expect(analysis.button('Save')).toBeVisible({ timeout: RUN_MILLIS });
  const waiting = page.waitForEvent('download');
  await analysis.button('Save').click();
  const file = JSON.parse(await readFile(await (await waiting).path(), 'utf8'));
  expect([file.steps, file.seeds.length]).toEqual([2, 1]);

  // The numbers of the chart are those that were measured.
  await analysis.panel.getByText('Numbers', { exact: true }).click();
  const [first] = file.cells;
  const gain = (100 * (first.correct[0] - file.classifier[0])) / file.validation_samples;
  const row = analysis.panel.getByRole('row', { name: new RegExp(`^${first.layer} `) });
  await expect(row.getByRole('cell').first()).toHaveText(
    `${gain > 0 ? '+' : gain < 0 ? '−' : '±'}${Math.abs(gain).toFixed(1)}`,
  );

  // What is known is not run again.
  await analysis.button('Close').click();
  await analysis.button('Analyse').click();
  await expect(analysis.panel.getByText(/^All \d+ runs are done\.$/)).toBeVisible({ timeout: RUN_MILLIS });
});

test('an analysis is cancelled', async ({ open, site, page }) => {
  const app = await open(`${site.url}#v=1&scenario=watch&stop=2`);
  await app.waitForStop();
  const analysis = analysisOf(page);
  await analysis.prepare('1', '3');
  await analysis.button('Start').click();
  await expect(analysis.progress).toBeVisible();
  await analysis.button('Cancel').click();
  await expect(analysis.button('Analyse')).toBeEnabled();
  await page.reload();
  await app.waitForStop();
  await expect(analysis.button('Analyse')).toBeEnabled();
});
