// The policy edited by eye and by hand: costs before the click, painting, and the budget line.
import { barriers } from './support/axe.mjs';
import { expect, test } from './support/test.mjs';

const number = (text) => Number(text.replaceAll(',', '').replaceAll('\u2212', '-').replaceAll('\u00b1', ''));
const numberAfter = (word, text) => number(new RegExp(`${word} ([+\u2212\u00b1][\\d,]+) B`).exec(text)[1]);

/** The policy as the address bar has it. */
const policy = (page) => {
  const found = /policy=([^&]+)/.exec(new URL(page.url()).hash);
  return found?.[1];
};

/** The middle of a control, where a pointer goes. */
const middle = async (control) => {
  const { x, y, width, height } = await control.boundingBox();
  return [x + width / 2, y + height / 2];
};

test('what a choice costs is shown before it is clicked, and is what it then costs', async ({ app, page }) => {
  await app.pause();
  const readout = page.locator('.cell-cost');
  await expect(readout).toContainText('Point at a choice');
  const before = await app.bytes('Peak memory');
  await app.ratio(3, '1').hover();
  await expect(readout).toContainText(/^3 .*: ratio 1/);
  await expect(page.locator('.layers.stale')).toHaveCount(0);
  await expect(readout).toContainText(/peak \+[\d,]+ B/);
  const promised = numberAfter('peak', await readout.textContent());
  expect(promised).toBeGreaterThan(0);
  expect(await barriers(page), 'a cost').toEqual([]);
  await app.ratio(3, '1').click();
  await expect.poll(() => app.bytes('Peak memory')).toBeGreaterThan(before);
  // The plan's placement may need a few bytes more than are live.
  const more = (await app.bytes('Peak memory')) - before;
  expect(Math.abs(more - promised)).toBeLessThan(0.03 * before);
  await expect(readout).toContainText('This is chosen.');
  await app.ratio(3, '0').hover();
  await expect.poll(async () => numberAfter('peak', await readout.textContent())).toBe(-promised);
  await app.button('Undo').click();
  await expect.poll(() => app.bytes('Peak memory')).toBe(before);
});

test('a pointer that is held paints the rows that it moves over, as one edit', async ({ app, page }) => {
  await app.pause();
  const before = policy(page);
  const peak = await app.bytes('Peak memory');
  const [x, y] = await middle(app.ratio(1, '1/4'));
  const [, end] = await middle(app.ratio(5, '1/4'));
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let at = y; at <= end; at += 6) await page.mouse.move(x, at);
  for (const layer of [1, 2, 3, 4, 5]) await expect(app.ratio(layer, '1/4')).toBeChecked();
  expect(await app.bytes('Peak memory')).toBe(peak);
  await page.mouse.up();
  await expect.poll(() => app.bytes('Peak memory')).toBeGreaterThan(peak);
  await expect.poll(() => policy(page)).toMatch(/^-44444/);
  await app.button('Undo').click();
  await expect.poll(() => policy(page)).toBe(before);
  await expect.poll(() => app.bytes('Peak memory')).toBe(peak);
  await app.button('Redo').click();
  await expect(app.ratio(3, '1/4')).toBeChecked();
});

test('with keys one goes through the rows and copies a choice down', async ({ app, page }) => {
  await app.pause();
  await app.ratio(1, '0').focus();
  await page.keyboard.press('ArrowRight');
  await expect(app.ratio(1, '1/8')).toBeChecked();
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Shift+ArrowDown');
  await expect(app.ratio(3, '1/8')).toBeChecked();
  await expect(app.ratio(3, '1/8')).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await expect(app.ratio(2, '1/8')).toBeFocused();
  await expect(page.locator('.cell-cost')).toContainText(/^2 .*ratio 1\/8/);
  await expect.poll(() => policy(page)).toMatch(/^-888/);
});

test('a changed layer says so and goes back to the nearest preset', async ({ app, page }) => {
  await app.pause();
  const preset = app.field('Preset');
  await preset.selectOption({ label: 'Classifier only' });
  await app.ratio(20, '1').click();
  await expect(preset.locator('option:checked')).toHaveText('Your own, near \u201cClassifier only\u201d');
  const dots = page.getByRole('button', { name: /^Layer \d+ back to the preset$/ });
  await expect(dots).toHaveAttribute('aria-label', 'Layer 20 back to the preset');
  await dots.click();
  await expect(preset.locator('option:checked')).toHaveText('Classifier only');
});

test('the budget line is dragged, and the policy follows it', async ({ app, page }) => {
  await app.pause();
  const line = page.getByRole('slider', { name: 'Budget line' });
  await expect(line).toHaveAttribute('aria-valuenow', '262144');
  const before = [policy(page), await app.bytes('Peak memory')];
  const [x, y] = await middle(line);
  const map = await page.getByRole('application', { name: 'Memory map' }).boundingBox();
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let at = 1; at <= 10; at += 1) await page.mouse.move(x, y + (0.6 * map.height * at) / 10);
  const budget = async () => Number(await line.getAttribute('aria-valuenow'));
  const told = page.locator('.solution');
  await expect(told).toContainText(/layer \d+: .+ \u2192 .+, peak \u2212[\d,]+ B, expected accuracy [+\u2212\u00b1]\d+\.\d points/);
  await page.mouse.up();
  await expect.poll(() => app.bytes('Peak memory')).toBeLessThanOrEqual(await budget());
  await expect(page.locator('.layer.flash-even, .layer.flash-odd').first()).toBeAttached();
  const lost = before[1] - (await app.bytes('Peak memory'));
  await expect.poll(async () => numberAfter('peak', await told.textContent())).toBe(-lost);
  expect(await barriers(page), 'the budget line').toEqual([]);
  // The whole drag is one edit.
  await app.button('Undo').click();
  await expect.poll(() => app.bytes('Peak memory')).toBe(before[1]);
  expect(await budget()).toBe(262_144);
  await expect.poll(() => policy(page)).toBe(before[0]);
  await expect(told).toHaveCount(0);
});

test('with keys the budget line goes down', async ({ app, page }) => {
  await app.pause();
  const line = page.getByRole('slider', { name: 'Budget line' });
  await line.focus();
  for (let press = 0; press < 10; press += 1) await page.keyboard.press('PageDown');
  await expect(line).toHaveAttribute('aria-valuenow', String(262_144 - 10 * 16_384));
  await expect.poll(() => app.bytes('Peak memory')).toBeLessThanOrEqual(262_144 - 10 * 16_384);
  await expect(page.locator('.solution')).toContainText('expected accuracy');
});

test('where nothing was analysed the budget line moves the budget alone', async ({ open, page, site }) => {
  await open(`${site.url}#v=1&scenario=person`);
  const line = page.getByRole('slider', { name: 'Budget line' });
  await line.focus();
  await page.keyboard.press('ArrowDown');
  await expect(page.locator('.solution')).toHaveText('Accuracy not analysed yet, so the policy stays.');
});

test.describe('with a finger', () => {
  test.use({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });

  /** Fingers on the screen, as the browser gets them from its hardware. */
  const finger = async (page) => {
    const session = await page.context().newCDPSession(page);
    const send = (type, ...touchPoints) => session.send('Input.dispatchTouchEvent', { type, touchPoints });
    return {
      down: (x, y) => send('touchStart', { x, y }),
      move: (x, y) => send('touchMove', { x, y }),
      up: () => send('touchEnd'),
    };
  };

  test('one that rests on a choice paints, and one that moves at once scrolls', async ({ app, page }) => {
    await app.pause();
    const list = page.locator('.layers');
    const scrolled = () => list.evaluate((it) => it.scrollTop);
    const before = policy(page);
    await app.ratio(6, '1/4').evaluate((it) => it.scrollIntoView({ block: 'center' }));
    const touch = await finger(page);

    const atRest = await scrolled();
    const [x, y] = await middle(app.ratio(6, '1/4'));
    await touch.down(x, y);
    for (let at = 1; at <= 8; at += 1) await touch.move(x, y - 12 * at);
    await touch.up();
    await expect.poll(scrolled).toBeGreaterThan(atRest + 20);
    await page.waitForTimeout(500);
    expect(policy(page), 'a swipe chooses nothing').toBe(before);

    await list.evaluate((it) => it.scrollTo(0, 0));
    await app.ratio(3, '1/4').evaluate((it) => it.scrollIntoView({ block: 'center' }));
    const still = await scrolled();
    const [from, to] = [await middle(app.ratio(1, '1/4')), await middle(app.ratio(5, '1/4'))];
    await touch.down(...from);
    await expect(app.ratio(1, '1/4')).toBeChecked();
    for (let at = 0; at <= 1; at += 0.05) await touch.move(from[0], from[1] + at * (to[1] - from[1]));
    for (const layer of [1, 2, 3, 4, 5]) await expect(app.ratio(layer, '1/4')).toBeChecked();
    await touch.up();
    expect(await scrolled()).toBe(still);
    await expect.poll(() => policy(page)).toMatch(/^-44444/);
    await app.button('Undo').click();
    await expect.poll(() => policy(page)).toBe(before);

    // A tap chooses, as ever.
    await app.ratio(4, '1/2').tap();
    await expect(app.ratio(4, '1/2')).toBeChecked();
  });
});
