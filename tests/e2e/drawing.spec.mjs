// Drawing a digit, with a pointer and without.
import { expect, test } from './support/test.mjs';

const pad = (app) => app.page.getByLabel('Drawing pad', { exact: true });

/** Draws a vertical line, as for a one. */
async function drawOne(app) {
  await pad(app).scrollIntoViewIfNeeded();
  const box = await pad(app).boundingBox();
  const { mouse } = app.page;
  await mouse.move(box.x + box.width / 2, box.y + box.height * 0.15);
  await mouse.down();
  await mouse.move(box.x + box.width / 2, box.y + box.height * 0.85, { steps: 12 });
  await mouse.up();
}

async function showPad(app) {
  const tab = app.page.getByRole('tab', { name: /draw/i });
  if (await tab.count()) await tab.first().click();
}

test('a drawing is predicted, labelled and learned from', async ({ app }) => {
  await app.pause();
  await showPad(app);
  await drawOne(app);
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
  await showPad(app);
  await expect(app.button('Clear drawing')).toBeDisabled();
  await drawOne(app);
  await expect(app.button('Clear drawing')).toBeEnabled();
  await app.button('Clear drawing').click();
  await expect(app.button('Clear drawing')).toBeDisabled();
});

test('the keyboard draws too', async ({ app }) => {
  await app.pause();
  await showPad(app);
  await pad(app).focus();
  await app.page.keyboard.press('Space');
  for (let strokes = 0; strokes < 6; strokes += 1) await app.page.keyboard.press('ArrowDown');
  await expect(app.button('Add sample')).toBeEnabled();
});
