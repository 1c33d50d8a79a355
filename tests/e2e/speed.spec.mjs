// How fast the page trains, and how soon it stops.
import { BUILD_MILLIS, expectStepsPerSecond } from './support/speed.mjs';
import { expect, test } from './support/test.mjs';

test('full speed is at least 500 steps a second, and stop is felt at once', async ({ app, page }) => {
  test.setTimeout(BUILD_MILLIS);
  await app.pause();
  await app.set('Stop after steps', '1000000');
  await app.fullSpeed();
  await app.button('Play').click();
  await expectStepsPerSecond(app, 'Keyboard', 500, 8);

  const stopMillis = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const start = performance.now();
        const pause = [...document.querySelectorAll('button')].find((button) => button.textContent.includes('Pause'));
        pause.click();
        const look = () => {
          if (document.querySelector('output[aria-label="Weights digest"]')) resolve(performance.now() - start);
          else requestAnimationFrame(look);
        };
        look();
      }),
  );
  console.log(`milliseconds until the digest of the stopped weights is shown: ${stopMillis.toFixed(0)}`);
  expect(stopMillis).toBeLessThan(100);
});
