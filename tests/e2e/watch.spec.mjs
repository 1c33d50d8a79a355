// A patient's movements: recognized, learned, recorded by oneself, taken away and brought back.
import { barriers } from './support/axe.mjs';
import { expect, test } from './support/test.mjs';

const WATCH = '#v=1&scenario=watch';
const HELD_OUT = 'Held-out windows of this person';

/** A recording of so many moments: an arm that swings, with a watch on its wrist. */
function recording(rows, header = true) {
  const lines = header ? ['ax,ay,az,wx,wy,wz'] : [];
  for (let row = 0; row < rows; row += 1) {
    const turn = Math.sin((2 * Math.PI * row) / 50);
    const cells = [-0.9, 0.3 * turn, -0.2, 0.1 * turn, 2 * turn, 0.5];
    lines.push(cells.map((cell) => cell.toFixed(4)).join(','));
  }
  return `${lines.join('\n')}\n`;
}

async function record(app, name, text) {
  const input = app.field('Recording to open');
  await input.setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });
}

function predictions(app) {
  return app.page.getByRole('list', { name: 'Prediction' });
}

async function paused(open, site, more = '') {
  const app = await open(`${site.url}${WATCH}${more}`);
  await app.waitForSteps(1);
  await app.pause();
  return app;
}

test('a new person’s left arm is learned, and windows are recognized that were not before', async ({ app, page }) => {
  await app.pause();
  await app.field('Scenario').selectOption({ label: 'Watch: learn this patient\'s movements' });
  await expect(app.page.getByText('56 to learn from, 140 to measure on').first()).toBeVisible();
  await expect.poll(() => new URL(page.url()).hash).toContain('scenario=watch');
  // The accuracy before learning stands in docs/accuracy-watch.md.
  await expect.poll(() => app.number('Accuracy')).toBe(48.6);
  await app.fullSpeed();
  await app.button('Play').click();
  await app.waitForStop();
  expect(await app.number('Steps')).toBe(560);
  await expect.poll(() => app.number('Accuracy'), { timeout: 20_000 }).toBeGreaterThan(75);

  const panel = page.getByRole('region', { name: 'Recognize a movement' });
  await expect(panel).toContainText('It is pendulum.');
  await expect(panel).toContainText('Before learning: forward elevation');
  await expect(predictions(app).locator('.best')).toContainText('pendulum');
  await expect(app.output('Window')).toHaveText('Window 1 of 140');
  await expect(app.button('Previous window')).toBeDisabled();
  await app.button('Next window').click();
  await expect(app.output('Window')).toHaveText('Window 2 of 140');
  await expect(predictions(app)).toContainText('%');

  // The sample that comes next, as its channels and by the name of its exercise.
  await expect(page.locator('.stateline')).toContainText(/sample \d+: [a-z]+/);
  await expect(page.locator('.stateline').getByRole('img', { name: 'Gyroscope x, y and z in rad/s over 2.56 s' })).toBeVisible();
});

test('a recording is predicted, labelled and learned from', async ({ open, site }) => {
  const app = await paused(open, site);
  await expect(app.button('Add sample')).toHaveCount(0);
  await record(app, 'swing.csv', recording(150));
  await expect(app.field('Shown').locator('option:checked')).toHaveText('swing.csv');
  await expect(app.output('Window')).toHaveText('Window 1 of 3');
  await expect(predictions(app)).toContainText('%');
  await expect(app.page.getByText('Before learning:')).toBeVisible();
  await app.field('Label').selectOption({ label: 'bent-over row' });
  await app.button('Add sample').click();
  await expect(app.output('Added windows')).toHaveText('3 windows added to what is learned from');
  await expect(app.button('Add sample')).toBeDisabled();
  await expect(app.page.getByText('59 to learn from (3 brought by you)').first()).toBeVisible();
  const steps = await app.number('Steps');
  await app.button('Step').click();
  await expect.poll(() => app.number('Steps')).toBe(steps + 1);

  // A second one can be dropped on the page, and the first one is still there.
  const transfer = await app.page.evaluateHandle((text) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], 'dropped.csv', { type: 'text/csv' }));
    return transfer;
  }, recording(64, false));
  await app.page.dispatchEvent('body', 'drop', { dataTransfer: transfer });
  await expect(app.output('Window')).toHaveText('Window 1 of 1');
  await app.field('Shown').selectOption({ label: 'swing.csv' });
  await expect(app.page.getByText('Labelled bent-over row.')).toBeVisible();
  await app.field('Shown').selectOption({ label: HELD_OUT });
  await expect(app.output('Window')).toHaveText('Window 1 of 140');
});

test('recordings that cannot be used are refused in a sentence, and nothing is lost', async ({ open, site }) => {
  const app = await paused(open, site);
  await record(app, 'good.csv', recording(64));
  await expect(app.output('Window')).toHaveText('Window 1 of 1');
  const steps = await app.number('Steps');
  const digest = await app.text('Weights digest');
  const rows = recording(70).split('\n');
  for (const [name, text, words] of [
    ['narrow.csv', rows.with(9, '1,2,3').join('\n'), 'Line 10 has 3 columns, but a row has 6: ax, ay, az, wx, wy, wz.'],
    ['word.csv', rows.with(4, '0,0,much,0,0,0').join('\n'), 'Line 5, column 3, holds "much", which is no number.'],
    ['short.csv', recording(63), 'It has 63 rows of numbers, but 64 are needed: 2.56 s at 25 Hz.'],
    ['empty.csv', '', 'It has 0 rows of numbers'],
  ]) {
    await record(app, name, text);
    const alert = app.page.getByRole('alert').filter({ hasText: `"${name}" was left out: ${words}` });
    await expect(alert, name).toBeVisible();
  }
  await expect(app.field('Shown').locator('option')).toHaveText([HELD_OUT, 'good.csv']);
  expect(await app.number('Steps')).toBe(steps);
  expect(await app.text('Weights digest')).toBe(digest);
});

test('a link brings the scenario back, and its files are opened from another one', async ({ open, site }) => {
  const app = await paused(open, site, '&stop=5&seed=3');
  await app.fullSpeed();
  if ((await app.number('Steps')) < 5) await app.button('Play').click();
  await app.waitForSteps(5);
  await app.waitForStop();
  await expect(app.output('Weights digest')).not.toBeEmpty();
  const digest = await app.text('Weights digest');
  const peak = await app.bytes('Peak memory');
  const files = [
    ['quartermeg.json', (await app.download(/\.json/)).buffer],
    ['watch.qmeg', (await app.download(/\.qmeg/)).buffer],
  ];
  for (const [name, file] of files) {
    await app.page.goto('about:blank');
    await app.page.goto(site.url);
    await app.waitForSteps(1);
    await app.openFile(name, file);
    await expect(app.field('Scenario')).toHaveValue('watch');
    await expect(app.output('Weights digest')).toHaveText(digest);
    expect(await app.number('Steps')).toBe(5);
    expect(await app.bytes('Peak memory')).toBe(peak);
    await expect(app.output('Window')).toHaveText('Window 1 of 140');
    await expect.poll(() => new URL(app.page.url()).hash).toContain('scenario=watch&seed=3&stop=5');
  }
});

test('scenarios take turns', async ({ open, site }) => {
  const app = await paused(open, site);
  const watch = await app.bytes('Peak memory');
  await app.field('Preset').selectOption({ label: 'Classifier only' });
  await expect.poll(() => app.bytes('Peak memory')).toBe(11_808);
  await app.field('Scenario').selectOption('keyboard');
  await expect(app.pad()).toBeVisible();
  await expect.poll(() => app.bytes('Peak memory').catch(() => watch)).not.toBe(watch);
  await app.drawOne();
  await expect(predictions(app)).toContainText('%');
  await app.field('Scenario').selectOption('watch');
  await expect.poll(() => app.bytes('Peak memory').catch(() => 0)).toBe(watch);
  await expect(predictions(app)).toContainText('pendulum');
  await app.button('Step').click();
  await expect.poll(() => app.number('Steps')).toBe(1);
});

test('the keyboard alone goes through windows and adds a recording', async ({ open, site, page }) => {
  const app = await paused(open, site);
  await record(app, 'swing.csv', recording(150));
  const focus = async (locator) => {
    for (let presses = 0; presses < 300; presses += 1) {
      if (await locator.evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error('The tab key never reaches it.');
  };
  await focus(app.button('Open a recording (CSV)'));
  await focus(app.button('Next window'));
  await page.keyboard.press('Enter');
  await expect(app.output('Window')).toHaveText('Window 2 of 3');
  await focus(app.field('Label'));
  await page.keyboard.press('ArrowDown');
  await focus(app.button('Add sample'));
  await page.keyboard.press('Enter');
  await expect(app.page.getByText('Labelled abduction.')).toBeVisible();
});

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds no barrier around motion in ${colorScheme} colours`, async ({ open, site, page }) => {
    await page.emulateMedia({ colorScheme });
    const app = await paused(open, site);
    await record(app, 'swing.csv', recording(150));
    await expect(app.output('Window')).toHaveText('Window 1 of 3');
    await page.getByText('What a recording looks like').click();
    expect(await barriers(page)).toEqual([]);
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow).toBeLessThanOrEqual(0);
  });
}
