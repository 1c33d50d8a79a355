// What keeps people out, as axe sees it.
import { createRequire } from 'node:module';

const axe = createRequire(import.meta.url)('axe-core');

/** Serious and critical findings on the page as it is now, a sentence each. */
export async function barriers(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
}
