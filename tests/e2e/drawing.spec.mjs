// Drawing a digit, with a pointer and without.
import { expect, test } from './support/test.mjs';

test('a drawing is predicted, labelled and learned from', async ({ app }) => {
  await app.pause();
  await app.showPad();
  await app.drawOne();
  const prediction = app.page.getByRole('list', { name: 'Prediction' });
  await expect(prediction).toContainText('%');
  await app.field('Label').selectOption('1');
  await app.button('Add sample').click();
  await expect(app.output('Drawn samples')).toContainText('1');
  const steps = await app.number('Steps');
  await app.button('Step').click();
  await expect.poll(() => app.number('Steps')).toBe(steps + 1);
});

test('a drawing can be cleared', async ({ app }) => {
  await app.pause();
  await app.showPad();
  await expect(app.button('Clear drawing')).toBeDisabled();
  await app.drawOne();
  await expect(app.button('Clear drawing')).toBeEnabled();
  await app.button('Clear drawing').click();
  await expect(app.button('Clear drawing')).toBeDisabled();
});

test('the keyboard draws too', async ({ app }) => {
  await app.pause();
  await app.showPad();
  await app.pad().focus();
  await app.page.keyboard.press('Space');
  for (let strokes = 0; strokes < 6; strokes += 1) await app.page.keyboard.press('ArrowDown');
  await expect(app.button('Add sample')).toBeEnabled();
});
