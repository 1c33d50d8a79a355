// What a person sees who opens the page and does nothing, and the first things that they try.
import { expect, test } from './support/test.mjs';

test('training starts by itself, the loss falls and the accuracy rises', async ({ app }) => {
  const rows = await app.recordUntilStop(['Loss', 'Accuracy', 'Steps per second']);
  const column = (index) => rows.map((row) => row[index]).filter((number) => !Number.isNaN(number));
  const [losses, accuracies, rates] = [column(1), column(2), column(3)];

  // The loss of one sample jumps, so thirds of the run are compared, not steps.
  const third = Math.floor(losses.length / 3);
  const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  expect(third, 'losses seen per third').toBeGreaterThanOrEqual(5);
  expect(mean(losses.slice(-third)), 'loss').toBeLessThan(mean(losses.slice(0, third)));
  expect(accuracies.at(-1), 'accuracy').toBeGreaterThan(accuracies[0]);
  expect(Math.max(...rates), 'steps per second').toBeGreaterThan(0);
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
