// Steps a second in the page, beside those of the same code compiled for this machine.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { expect } from './test.mjs';

const run = promisify(execFile);

/** What a page is to reach of the speed of native code, at least. */
const SHARE_OF_NATIVE = 0.5;
/** After so many seconds other programs have taken the processor for too long. */
const LONGEST_SECONDS = 30;
/** Building the native step, where that is not done yet, takes minutes. */
export const BUILD_MILLIS = 10 * 60_000;

/**
 * Expects a page at full speed to do `least` steps a second. A machine that would do less than
 * twice as many natively, at the same time, owes half of those: machines that are shared have been
 * seen to take twice as long for one build from one day to the next. How fast the native step has
 * to be is judged by `tests/tests/speed.rs`.
 *
 * @param app the page, which trains at full speed
 * @param network what the native test calls the network
 * @param least steps a second of a machine that is not slow
 * @param seconds of which the best counts: other programs may take the processor for a while
 */
export async function expectStepsPerSecond(app, network, least, seconds) {
  let best = 0;
  let native = await nativeRate(network);
  const owed = () => Math.min(least, SHARE_OF_NATIVE * native);
  for (let second = 0; second < LONGEST_SECONDS && (second < seconds || best < owed()); second += 1) {
    const before = { steps: await app.number('Steps'), at: performance.now() };
    await app.page.waitForTimeout(1_000);
    const steps = (await app.number('Steps')) - before.steps;
    best = Math.max(best, (1000 * steps) / (performance.now() - before.at));
  }
  // The machine may have become faster meanwhile; the better of both is what it can do.
  native = Math.max(native, await nativeRate(network));
  const digits = (number) => number.toFixed(0);
  console.log(`${network}, steps per second: ${digits(best)} in the best second, ${digits(native)} natively`);
  expect(best, `steps per second, of ${digits(native)} natively`).toBeGreaterThanOrEqual(owed());
}

/**
 * Steps a second that the native test prints for a network. Beside a page that trains it may fall below the floor
 * that the test has for itself: that is not judged here.
 */
export async function nativeRate(network) {
  const { stderr } = await run(
    'cargo',
    ['test', '--release', '--locked', '--package', 'quartermeg-tests', '--test', 'speed', '--', '--nocapture', network.toLowerCase()],
    { timeout: BUILD_MILLIS },
  ).catch((error) => error);
  const rate = new RegExp(`^${network}: (\\d+) steps a second`, 'm').exec(stderr);
  expect(rate, stderr).not.toBeNull();
  return Number(rate[1]);
}
