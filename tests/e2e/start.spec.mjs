// What a person sees who opens the page and does nothing, and the first things that they try.
import { expect, test } from './support/test.mjs';

test('training starts by itself, the loss falls and the network gets most samples right', async ({ app }) => {
  await app.fullSpeed();
  await app.waitForStop();

  // Smoothed, because the loss of a single sample jumps.
  const losses = (await app.numbers('Training loss')).map((row) => row[2]);
  const third = Math.floor(losses.length / 3);
  const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  expect(third, 'losses per third of the run').toBeGreaterThanOrEqual(3);
  expect(mean(losses.slice(-third)), 'late loss').toBeLessThan(mean(losses.slice(0, third)));

  // How often it is measured on the way depends on the machine, so only the end counts.
  await expect.poll(() => app.number('Accuracy'), { message: 'per cent' }).toBeGreaterThan(75);
});

test('page and worker both run with SIMD', async ({ app }) => {
  await expect(app.page.locator('html')).toHaveAttribute('data-simd', 'page:true worker:true');
});

test('pause stops, step does one step, play goes on', async ({ app }) => {
  await app.pause();
  const steps = await app.settle();
  await app.button('Step').click();
  await expect.poll(() => app.number('Steps')).toBe(steps + 1);
  await app.button('Play').click();
  await app.waitForSteps(steps + 2);
});

test('reset begins again', async ({ app }) => {
  await app.waitForSteps(20);
  await app.pause();
  const steps = await app.settle();
  await app.button('Reset').click();
  await expect.poll(() => app.number('Steps')).toBeLessThan(steps);
});

test('nothing is wider than the screen', async ({ app }) => {
  const overflow = await app.page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow).toBeLessThanOrEqual(0);
});
