// Steps a second, beside work that always is the same: machines that are shared differ from minute to minute.

/** Rounds of the work a millisecond from which on the whole of the floor is owed; a slower machine owes its share. */
const REFERENCE_ROUNDS = 300;
/** After so many seconds other programs have taken the processor for too long. */
const LONGEST_SECONDS = 30;

/** Rounds a millisecond of sums of products of small numbers, in the page; the best of some. */
function work() {
  const a = new Int8Array(4096).map((_, at) => (at * 37) % 251);
  const b = new Int8Array(4096).map((_, at) => (at * 91) % 241);
  let best = 0;
  let sum = 0;
  for (let take = 0; take < 12; take += 1) {
    const start = performance.now();
    for (let round = 0; round < 3000; round += 1) {
      for (let at = 0; at < 4096; at += 1) sum = (sum + Math.imul(a[at], b[(at + round) & 4095])) | 0;
    }
    best = Math.max(best, 3000 / (performance.now() - start));
  }
  // The sum is looked at, so that no engine leaves the work out.
  return Number.isInteger(sum) ? best : 0;
}

/**
 * The best second of `seconds`, or of more until `least` is reached: its steps, and the least that this machine owes.
 * It trains at full speed when this is called and when it returns.
 */
export async function stepsPerSecond(app, { seconds, least }) {
  await app.button('Pause').click();
  await app.settle();
  const rounds = await app.page.evaluate(work);
  await app.button('Play').click();
  const owed = least * Math.min(1, rounds / REFERENCE_ROUNDS);
  let best = 0;
  for (let second = 0; second < LONGEST_SECONDS && (second < seconds || best < owed); second += 1) {
    const before = { steps: await app.number('Steps'), at: performance.now() };
    await app.page.waitForTimeout(1_000);
    const steps = (await app.number('Steps')) - before.steps;
    best = Math.max(best, (1000 * steps) / (performance.now() - before.at));
  }
  console.log(
    `steps per second: ${best.toFixed(0)} in the best second; ${owed.toFixed(0)} are owed by a machine of ${rounds.toFixed(1)} rounds`,
  );
  return { best, owed };
}
