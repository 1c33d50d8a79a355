// The page for people who do not see it, or who are made ill by movement.
import { barriers } from './support/axe.mjs';
import { expect, test } from './support/test.mjs';

for (const colorScheme of ['light', 'dark']) {
  test(`axe finds no barrier in ${colorScheme} colours`, async ({ app, page }) => {
    await page.emulateMedia({ colorScheme });
    expect(await barriers(page), 'while training').toEqual([]);

    await app.pause();
    for (let operations = 0; operations < 3; operations += 1) await app.button('Next operation').click();
    await expect(app.output('Operation')).not.toBeEmpty();
    expect(await barriers(page), 'paused inside a step').toEqual([]);

    await app.drawOne();
    await expect(app.button('Add sample')).toBeEnabled();
    expect(await barriers(page), 'with a drawing').toEqual([]);

    await app.field('Memory budget').fill('20000');
    await app.field('Memory budget').press('Enter');
    await expect(page.getByRole('alert').first()).toBeVisible();
    expect(await barriers(page), 'with an error shown').toEqual([]);
  });
}

test('movement is calm for who asks for calm', async ({ app, page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const moving = await page.evaluate(
    () => document.getAnimations().filter((animation) => animation.playState === 'running').length,
  );
  expect(moving).toBe(0);
  await app.waitForSteps(1);
});
