// A link is a lesson: what it fixes, hides and gets wrong.
import { expect, test } from './support/test.mjs';

test('a link brings back what was changed', async ({ app, page, site }) => {
  await app.pause();
  await app.set('Seed', '42');
  await app.ratio(20, '1').click();
  await app.page.getByRole('switch', { name: 'QAS', exact: true }).click();
  await expect.poll(() => new URL(page.url()).hash).toContain('seed=42');
  await expect.poll(() => new URL(page.url()).hash).toContain('qas=off');
  const peak = await app.bytes('Peak memory');
  const link = page.url();

  await page.goto('about:blank');
  await page.goto(link);
  await expect.poll(() => app.bytes('Peak memory').catch(() => 0)).toBe(peak);
  await app.openMore();
  await expect(app.field('Seed')).toHaveValue('42');
  await expect(app.ratio(20, '1')).toBeChecked();
  await expect(page.getByRole('switch', { name: 'QAS', exact: true })).not.toBeChecked();
});

test('the default needs no words in the address', async ({ app, page }) => {
  await app.pause();
  expect(new URL(page.url()).hash).toBe('');
});

test('a lesson hides panels and fixes controls', async ({ open, site }) => {
  const app = await open(`${site.url}#v=1&hide=draw,qas&lock=seed,policy&stop=5`);
  await app.waitForSteps(5);
  await app.waitForStop();
  expect(await app.number('Steps')).toBe(5);
  await expect(app.page.getByLabel('Drawing pad', { exact: true })).toHaveCount(0);
  await app.openMore();
  await expect(app.field('Seed')).toBeDisabled();
  await expect(app.field('Bias of layer 20')).toBeDisabled();
});

test('what a link gets wrong is put right and said', async ({ open, site }) => {
  const app = await open(`${site.url}#v=1&lr=fast&seed=-3&colour=red&policy=xyz`);
  await app.waitForSteps(1);
  for (const words of [/lr="fast"/, /seed="-3"/, /"colour" is unknown/, /policy="xyz"/]) {
    await expect(app.page.getByText(words).first()).toBeVisible();
  }
});

test('a link whose policy cannot be planned is explained, and the usual one is there', async ({ open, site, page }) => {
  const app = await open(`${site.url}#v=1&seed=9&policy=1r${'b'.repeat(29)}`);
  const alert = page.getByRole('alert').filter({ hasText: 'The input of layer 0 cannot be computed again' });
  await expect(alert).toContainText('the usual one is there instead');
  await expect(page.locator('.layer')).toHaveCount(30);
  await expect(app.field('Seed')).toHaveValue('9');
  await expect.poll(() => app.bytes('Peak memory')).toBeGreaterThan(0);
});
