// The page for people who use no mouse.
import { expect, test } from './support/test.mjs';

test('the keyboard alone is enough', async ({ app, page }) => {
  const focus = async (locator, what) => {
    for (let presses = 0; presses < 300; presses += 1) {
      if (await locator.evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`The tab key never reaches ${what}.`);
  };

  await focus(app.playOrPause(), 'Play or Pause');
  if ((await app.playOrPause().textContent())?.includes('Pause')) await page.keyboard.press('Enter');
  await app.waitForStop();
  // The button keeps the focus when its name changes.
  await expect(app.button('Play')).toBeFocused();
  const steps = await app.settle();

  await focus(app.button('Step'), 'Step');
  await page.keyboard.press('Enter');
  await expect.poll(() => app.number('Steps')).toBe(steps + 1);

  const bias = app.field('Bias of layer 1');
  const before = await bias.isChecked();
  await focus(bias, 'the bias of layer 1');
  await page.keyboard.press('Space');
  await expect(bias).toBeChecked({ checked: !before });
});
