// Runs are kept, named, set side by side, and taken away.
import { readFile } from 'node:fs/promises';

import { barriers } from './support/axe.mjs';
import { expect, test } from './support/test.mjs';

/** Trains the setup that is there up to its last step, from step 0. */
async function trainToTheStop(app, steps) {
  await app.fullSpeed();
  if ((await app.number('Steps')) < steps && (await app.playOrPause().textContent())?.includes('Play')) {
    await app.playOrPause().click();
  }
  await expect.poll(() => app.number('Steps'), { timeout: 30_000 }).toBe(steps);
  await app.waitForStop();
}

/** The page with a run of 60 steps that is kept, and nothing that runs. */
async function withRun(app) {
  await app.pause();
  await app.button('Reset').click();
  await app.set('Stop after steps', '60');
  await trainToTheStop(app, 60);
  await expect(row(app, 'run 1')).toBeVisible();
  // The accuracy of the last weights is measured when training has ended.
  await expect.poll(() => accuracyStep(app)).toBe('60');
}

/** The step of the newest accuracy. */
async function accuracyStep(app) {
  const panel = app.page.getByRole('region', { name: 'Accuracy', exact: true });
  if ((await panel.locator('details').getAttribute('open')) === null) {
    await panel.getByText('Numbers', { exact: true }).click();
  }
  return panel.getByRole('rowheader').last().textContent();
}

function table(app) {
  return app.page.getByRole('table', { name: 'Runs', exact: true });
}

function row(app, name) {
  return table(app).getByRole('row').filter({ has: app.page.getByText(new RegExp(`^${name}( |$)`)) });
}

/** What the table of differences says of A, of B, and of B less A. */
async function difference(app, name) {
  const rows = app.page.getByRole('table', { name: 'Difference' }).getByRole('row');
  const cells = rows.filter({ has: app.page.getByRole('rowheader', { name, exact: true }) }).getByRole('cell');
  return cells.allTextContents();
}

function bytesIn(text) {
  return Number(/([\d,]+)\s*B\b/.exec(text)[1].replaceAll(',', ''));
}

async function download(app, name) {
  const waiting = app.page.waitForEvent('download');
  await app.button(name).click();
  const file = await waiting;
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
}

test('two runs stand side by side with the numbers that the page shows', async ({ app, page }) => {
  await withRun(app);
  const before = { bytes: await app.bytes('Peak memory'), accuracy: await app.text('Accuracy') };
  await app.button('As A, run 1').click();

  await app.ratio(5, '1').click();
  await app.set('Seed', '7');
  await expect.poll(() => app.bytes('Peak memory')).not.toBe(before.bytes);
  await trainToTheStop(app, 60);
  const after = { bytes: await app.bytes('Peak memory') };

  const [a, b, change] = await difference(app, 'Peak memory');
  expect([bytesIn(a), bytesIn(b)]).toEqual([before.bytes, after.bytes]);
  expect(change[0]).toBe(after.bytes > before.bytes ? '+' : '−');
  expect(bytesIn(change)).toBe(Math.abs(after.bytes - before.bytes));
  await expect(page.getByText(/^From A to B: .*seed \d+ → 7; layer 5: .* → ratio 1; peak \+/)).toBeVisible();
  const share = (text) => /[\d.]+\s*%/.exec(text)?.[0];
  await expect.poll(async () => (await difference(app, 'Accuracy'))[1]).toBe(share(await app.text('Accuracy')));
  expect((await difference(app, 'Accuracy'))[0]).toBe(share(before.accuracy));
  expect(await difference(app, 'Steps')).toEqual(['60', '60', 'the same']);
  // Both maps are there, and so are the curves.
  for (const name of [/^Memory of A: .* Outline: what is live in B\.$/, /^Memory of B: /, /^Accuracy and smoothed loss/]) {
    await expect(page.getByRole('img', { name })).toBeVisible();
  }
  // The run of seed 7 was kept when it reached its last step; it is B as well as any other.
  await expect(row(app, 'run 2')).toContainText('seed 4 → 7');
  await app.button('As B, run 2').click();
  expect(await difference(app, 'Peak memory')).toEqual([a, b, change]);
  expect(await barriers(page)).toEqual([]);
});

test('the curves of the pinned run stand behind those of the live one', async ({ app, page }) => {
  await withRun(app);
  const charts = ['Training loss', 'Accuracy'].map((name) => page.getByRole('region', { name, exact: true }));
  for (const chart of charts) await expect(chart.getByText('run A')).toHaveCount(0);
  await app.button('As A, run 1').click();
  for (const chart of charts) {
    await expect(chart.getByText('run A')).toBeVisible();
    await expect(chart.getByRole('img', { name: /Dashed: run A\.$/ })).toBeVisible();
  }
  await app.button('As A, run 1').click();
  for (const chart of charts) await expect(chart.getByText('run A')).toHaveCount(0);
});

test('on a narrow screen each run is a card, and still a row of the table', async ({ app, page }) => {
  await withRun(app);
  await page.setViewportSize({ width: 390, height: 844 });
  const region = page.getByRole('region', { name: 'Table of runs' });
  const [inner, outer] = await region.evaluate((it) => [it.scrollWidth, it.clientWidth]);
  expect(inner).toBeLessThanOrEqual(outer);
  const run = row(app, 'run 1');
  await expect(run.getByRole('rowheader')).toBeVisible();
  await expect(run.getByRole('cell').filter({ hasText: /^60$/ })).toBeVisible();
  await expect(table(app).getByRole('columnheader', { name: 'Peak memory' })).toBeAttached();
  expect(await barriers(page)).toEqual([]);
});

test('names, notes and the pin outlive the page, and a map is planned again', async ({ app, page }) => {
  await withRun(app);
  await app.field('Name of run 1').fill('The first');
  await app.field('Note of run 1').fill('with the default policy');
  await app.field('Note of run 1').press('Enter');
  await app.button('As A, run 1').click();
  await page.reload();
  await app.waitForSteps(1);
  await app.pause();
  await expect(app.field('Name of run 1')).toHaveValue('The first');
  await expect(app.field('Note of run 1')).toHaveValue('with the default policy');
  await expect(app.button('As A, run 1')).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByRole('img', { name: /^Memory of A: / })).toBeVisible();

  // Its settings come back, and go again by Undo.
  await app.set('Seed', '9');
  await app.button('Load run 1').click();
  await app.openMore();
  await expect(app.field('Seed')).toHaveValue('4');
  await app.button('Undo').click();
  await expect(app.field('Seed')).toHaveValue('9');
});

test('runs are exported as a table and with their curves', async ({ app }) => {
  await withRun(app);
  await app.field('Note of run 1').fill('a "note", with a comma');
  await app.field('Note of run 1').press('Enter');
  const peak = await app.bytes('Peak memory');

  const csv = await download(app, 'CSV');
  expect(csv.name).toBe('quartermeg-runs.csv');
  const [head, line, ...rest] = csv.text.trimEnd().split('\r\n');
  expect(rest).toEqual([]);
  expect(head.split(',')).toContain('peak_bytes');
  expect(line).toContain('"a ""note"", with a comma"');
  expect(line).toContain(`,${peak},`);

  const json = await download(app, 'JSON');
  expect(json.name).toBe('quartermeg-runs.json');
  const { version, runs } = JSON.parse(json.text);
  expect(version).toBe(1);
  expect(runs).toHaveLength(1);
  expect(runs[0]).toMatchObject({
    note: 'a "note", with a comma',
    steps: 60,
    peak_bytes: peak,
    weights_sha256: await app.text('Weights digest'),
  });
  expect(runs[0].losses.at(-1)[0]).toBe(60);
});

test('deleting can be taken back, and clearing asks first, by keys alone', async ({ app, page }) => {
  await withRun(app);
  await app.button('Delete run 1').press('Enter');
  await expect(row(app, 'run 1')).toHaveCount(0);
  await app.button('Put back').press('Enter');
  await expect(row(app, 'run 1')).toBeVisible();

  await app.button('Clear all').press('Enter');
  await expect(app.output('Question')).toContainText('Delete 1 run');
  await app.button('Cancel').press('Enter');
  await expect(app.output('Question')).toBeEmpty();
  await expect(row(app, 'run 1')).toBeVisible();

  await app.button('Clear all').press('Enter');
  await app.button('Delete all').press('Space');
  await expect(row(app, 'run 1')).toHaveCount(0);
  await page.reload();
  await app.waitForSteps(1);
  await expect(row(app, 'run 1')).toHaveCount(0);
});

test('what cannot be read is put aside and said', async ({ app, page }) => {
  await app.pause();
  await page.evaluate(() => localStorage.setItem('quartermeg:runs', 'no runs at all'));
  await page.reload();
  await expect(page.getByRole('alert')).toContainText('cannot be read');
  expect(await page.evaluate(() => localStorage.getItem('quartermeg:runs-unreadable'))).toBe('no runs at all');
  await app.waitForSteps(10);
});

test('a link hides the runs', async ({ open, site }) => {
  const app = await open(`${site.url}#v=1&hide=runs`);
  await app.waitForSteps(1);
  await expect(table(app)).toHaveCount(0);
});
