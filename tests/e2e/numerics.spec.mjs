// Choosing how numbers are rounded: what it costs, what it does, and TinyEngine's own schedule.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from './support/test.mjs';

const PROFILES = ['Device', 'Simulator', 'TinyEngine (rules re-created)', 'Device, TFLM forward'];

/** Opens the drawer, as one who clicks. */
async function openNumerics(app) {
  await drawer(app).locator('summary').click();
  await expect(app.field('Profile')).toBeVisible();
}

function drawer(app) {
  return app.page.locator('details').filter({ hasText: /^Numerics:/ });
}

/** The options of a list, once each of them but the chosen one says what it costs beside the plan in force. */
async function costs(app, name) {
  await expect(app.field(name)).not.toHaveClass(/stale/);
  const options = app.field(name).locator('option');
  await expect
    .poll(async () => (await options.allTextContents()).filter((text) => /\((same|[+\u2212][\d,]+ B)\)$/.test(text)).length)
    .toBe((await options.count()) - 1);
  return options.allTextContents();
}

/** The row of rules in the table of effects: steps, moved, rounded to nothing, loss. */
async function seen(app, rules) {
  const table = app.page.getByRole('table', { name: 'Effect of numerics seen so far' });
  const row = table.getByRole('row').filter({ has: app.page.getByRole('rowheader', { name: rules, exact: true }) });
  const cells = await row.getByRole('cell').allTextContents();
  return cells.map((text) => Number.parseFloat(text.replaceAll(',', '')));
}

test('each profile states its cost, keeps to it, and shows its effect', async ({ app, page }) => {
  await app.pause();
  await app.fullSpeed();
  await app.set('Stop after steps', '60');
  await openNumerics(app);
  const ids = ['device', 'simulator', 'tinyengine', 'tflm'];
  for (const [at, profile] of PROFILES.entries()) {
    const before = await app.bytes('Peak memory');
    const label = (await costs(app, 'Profile'))[at];
    const difference = Number(/\(([+\u2212][\d,]+) B\)$/.exec(label)?.[1].replaceAll(',', '').replace('\u2212', '-') ?? 0);
    await app.field('Profile').selectOption({ index: at });
    await expect(drawer(app).locator('summary')).toHaveText(`Numerics: ${profile}`);
    await expect.poll(() => app.bytes('Peak memory')).toBe(before + difference);
    if (profile === 'Simulator') {
      // Its float masters do not fit the device, which the page says instead of training.
      await expect(page.getByRole('alert')).toContainText('are missing');
      await app.field('Device').selectOption('unlimited');
    }
    await app.button('Reset').click();
    await app.button('Play').click();
    await app.waitForSteps(60);
    await app.waitForStop();
    const [steps, moved, vanished, loss] = await seen(app, ids[at]);
    expect(steps).toBe(60);
    expect(moved).toBeGreaterThan(0);
    expect(moved + vanished).toBeLessThanOrEqual(100.1);
    expect(loss).toBeGreaterThan(0);
  }
  // A float master keeps what an int8 weight loses.
  const [, moved, vanished] = await seen(app, 'simulator');
  const [, onDevice, lost] = await seen(app, 'device');
  expect(moved).toBeGreaterThan(onDevice);
  expect(vanished).toBeLessThan(lost);
});

test('one rule is changed, undone and done again, and its cost comes true', async ({ app }) => {
  await app.pause();
  await openNumerics(app);
  const before = await app.bytes('Peak memory');
  const int16 = (await costs(app, 'Update rounding'))[3];
  const more = Number(/^int16 \(\+([\d,]+) B\)$/.exec(int16)[1].replaceAll(',', ''));
  await app.field('Update rounding').selectOption({ index: 3 });
  await expect.poll(() => app.bytes('Peak memory')).toBe(before + more);
  await expect(drawer(app).locator('summary')).toHaveText('Numerics: device,update:int16');
  await expect(app.field('Profile').locator('option:checked')).toHaveText('Your own');

  await app.button('Undo').click();
  await expect.poll(() => app.bytes('Peak memory')).toBe(before);
  await app.button('Redo').click();
  await expect.poll(() => app.bytes('Peak memory')).toBe(before + more);
  await app.button('Update rounding back to default').click();
  await expect.poll(() => app.bytes('Peak memory')).toBe(before);

  // A rule that can change nothing says so instead of offering a choice.
  await expect(app.field('Codes of masters')).toHaveCount(0);
  await expect(drawer(app)).toContainText('Codes of masters (there are no float masters)');
});

test('an int8 classifier frees the bytes it says, and learns', async ({ app }) => {
  await app.pause();
  await openNumerics(app);
  const before = await app.bytes('Peak memory');
  const [, int8] = await costs(app, 'Classifier');
  const fewer = Number(/^int8, logits in steps of 1\/8 \(\u2212([\d,]+) B\)$/.exec(int8)[1].replaceAll(',', ''));
  await expect(drawer(app)).toContainText('Logits of an int8 classifier (the classifier is float)');
  await app.field('Classifier').selectOption({ index: 1 });
  await expect.poll(() => app.bytes('Peak memory')).toBe(before - fewer);
  await expect(app.field('Logits of an int8 classifier')).toBeVisible();
  await app.button('Reset').click();
  await app.button('Play').click();
  await app.waitForSteps(60);
  await app.pause();
  const [, moved] = await seen(app, /classifier/);
  expect(moved).toBeGreaterThan(0);
});

test('a link brings the numerics back', async ({ app, page }) => {
  await app.pause();
  await openNumerics(app);
  await app.field('Profile').selectOption({ index: 2 });
  await app.field('Gradient width').selectOption({ index: 1 });
  await app.field('Optimizer').selectOption({ index: 1 });
  await app.field('Momentum').fill('0.5');
  await app.field('Momentum').press('Enter');
  await app.field('Rate schedule').selectOption('cosine');
  await app.field('Warm-up steps').fill('20');
  await app.field('Warm-up steps').press('Enter');
  await app.field('Bias rate factor').fill('2');
  await app.field('Bias rate factor').press('Enter');
  const words = 'numerics=tinyengine,gradient:int8,optimizer:momentum&biaslr=2&schedule=cosine:20&momentum=0.5';
  await expect.poll(() => new URL(page.url()).hash).toBe(`#v=1&${words}`);
  const peak = await app.bytes('Peak memory');

  const link = `${page.url()}&lock=numerics`;
  await page.goto('about:blank');
  await page.goto(link);
  await expect.poll(() => app.bytes('Peak memory').catch(() => 0)).toBe(peak);
  await openNumerics(app);
  await expect(app.field('Momentum')).toHaveValue('0.5');
  await expect(app.field('Warm-up steps')).toHaveValue('20');
  await expect(app.field('Bias rate factor')).toHaveValue('2');
  await expect(app.field('Optimizer').locator('option:checked')).toHaveText('SGD with momentum');
  for (const name of ['Profile', 'Gradient width', 'Momentum', 'Rate schedule']) {
    await expect(app.field(name), name).toBeDisabled();
  }
});

test('the keyboard alone opens the drawer, reads a rule and changes it', async ({ app, page }) => {
  await app.pause();
  const summary = drawer(app).locator('summary');
  await summary.focus();
  await page.keyboard.press('Enter');
  await expect(app.field('Profile')).toBeVisible();
  const focused = (locator) => locator.evaluate((element) => element === document.activeElement);
  const tabTo = async (locator) => {
    for (let presses = 0; presses < 60; presses += 1) {
      if (await focused(locator)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error('The tab key never gets there.');
  };
  await tabTo(app.button('Update rounding'));
  await expect(page.getByRole('tooltip')).toContainText('smaller than one code');
  await page.keyboard.press('Tab');
  expect(await focused(app.field('Update rounding'))).toBe(true);
  await page.keyboard.press('ArrowDown');
  await expect(summary).toHaveText('Numerics: device,update:nearest');
  expect(await focused(app.field('Update rounding'))).toBe(true);
});

test('another policy brings other costs', async ({ app }) => {
  await app.pause();
  await openNumerics(app);
  const before = (await costs(app, 'Optimizer'))[1];
  await app.ratio(20, '0').click();
  await expect.poll(async () => (await costs(app, 'Optimizer'))[1]).not.toBe(before);
  await expect(app.field('Optimizer')).not.toHaveClass(/stale/);
});

test("TinyEngine's released schedule stands on the map until it is closed", async ({ app, page }) => {
  const reference = process.env.QUARTERMEG_REFERENCE_DIR;
  const graph = join(reference ?? '', 'tinyengine/49kb-int8-graph.json');
  test.skip(!reference || !existsSync(graph), 'QUARTERMEG_REFERENCE_DIR names no folder with TinyEngine graphs');
  await app.pause();
  const steps = await app.number('Steps');
  await page.locator('input[type=file]').first().setInputFiles(graph);
  const caption = "TinyEngine's released schedule, re-created: 192 operations, peak 163,840 B in operation 4";
  const map = page.getByRole('region', { name: /^Memory/ });
  await expect(map).toContainText(caption);
  await expect(map).toContainText('2 pairs of tensors share bytes');
  await app.button('Jump to peak').click();
  await expect(map).toContainText('Operation 4: CONV_2D');
  const table = page.getByRole('table', { name: 'Memory map as a table' });
  await expect(table.getByRole('rowheader').first()).toBeAttached();
  expect(await app.number('Steps')).toBe(steps);

  await app.button('Back to my plan').click();
  await expect(map).not.toContainText('TinyEngine');
  await app.button('Step').click();
  await expect.poll(() => app.number('Steps')).toBe(steps + 1);
});

test('a list that is no training graph is refused in a sentence', async ({ app, page }) => {
  const buffer = Buffer.from(' [{"type": "nn.unheard_of"}]');
  await page.locator('input[type=file]').first().setInputFiles({ name: 'list.json', mimeType: 'application/json', buffer });
  await expect(page.getByRole('alert')).toContainText('"list.json" was not opened: ');
});
