// Choosing what is trained, and seeing what that costs.
import { expect, test } from './support/test.mjs';

test('training more of a network needs more memory', async ({ app }) => {
  const before = await app.bytes('Peak memory');
  await app.ratio(1, '1').click();
  await expect.poll(() => app.bytes('Peak memory')).toBeGreaterThan(before);
  await app.ratio(1, '0').click();
  await expect.poll(() => app.bytes('Peak memory')).toBe(before);
});

test('the bias of a layer can be trained or left alone', async ({ app }) => {
  const before = await app.bytes('Peak memory');
  const bias = app.field('Bias of layer 1');
  await bias.setChecked(!(await bias.isChecked()));
  await expect.poll(() => app.bytes('Peak memory')).not.toBe(before);
});

test('an input that is computed again is not kept, and a link says so', async ({ app, page }) => {
  await app.pause();
  await app.field('Scenario').selectOption({ label: "Watch: learn this patient's movements" });
  const again = page.getByRole('button', { name: /^Compute the input of layer \d+ again$/ });
  await expect(again.first()).toBeVisible();
  const before = await app.bytes('Peak memory');
  const count = await again.count();
  for (let at = 0; at < count; at += 1) {
    await again.nth(at).press('Enter');
    await expect(again.nth(at)).toHaveAttribute('aria-pressed', 'true');
  }
  await expect.poll(() => app.bytes('Peak memory')).toBeLessThan(before);
  await expect.poll(() => new URL(page.url()).hash).toMatch(/\dr/);
  for (let at = 0; at < count; at += 1) await app.button('Undo').click();
  await expect.poll(() => app.bytes('Peak memory')).toBe(before);
  await expect(again.first()).toHaveAttribute('aria-pressed', 'false');
});

test('a layer chooses the channels of its ratio, and a link says so', async ({ app, page }) => {
  await app.pause();
  await app.ratio(28, '1/2').click();
  const first = app.button('Train the 1st channels of layer 28');
  await expect(first).toHaveAttribute('aria-pressed', 'false');
  const policy = () => new URLSearchParams(new URL(page.url()).hash.slice(1)).get('policy');
  await expect.poll(policy).toMatch(/2.$/);
  await first.press('Enter');
  await expect(first).toHaveAttribute('aria-pressed', 'true');
  await expect.poll(policy).toMatch(/2f.$/);
  // The rule for all layers turns what is not said layer by layer.
  await app.field('Channels of a ratio').selectOption({ index: 1 });
  await expect(first).toHaveAttribute('aria-pressed', 'true');
  await first.press('Enter');
  await expect(first).toHaveAttribute('aria-pressed', 'false');
  await expect.poll(policy).toMatch(/2l.$/);
  await app.button('Layer 28 back to the preset').click();
  // That of the preset needs no words.
  await expect.poll(policy).toBeNull();
});

test('a budget that is too small is explained', async ({ app }) => {
  await app.field('Memory budget').fill('1');
  await expect(app.page.getByRole('alert')).toContainText(/\d[\d,]* B\b/);
});

test('the same seed gives the same weights, another seed gives others', async ({ app }) => {
  const digestAfter = async (seed) => {
    await app.set('Seed', seed);
    await app.button('Reset').click();
    await expect.poll(() => app.number('Steps')).toBe(0);
    await app.button('Play').click();
    await expect.poll(() => app.number('Steps'), { timeout: 30_000 }).toBe(10);
    await expect(app.button('Play')).toBeVisible();
    return app.text('Weights digest');
  };
  await app.pause();
  await app.set('Stop after steps', '10');

  const first = await digestAfter('7');
  expect(first).not.toBe('');
  expect(await digestAfter('8')).not.toBe(first);
  expect(await digestAfter('7')).toBe(first);
});

test('quantization-aware scaling can be switched', async ({ app }) => {
  const qas = app.page.getByRole('switch', { name: 'QAS', exact: true });
  const before = await qas.isChecked();
  await qas.click();
  await expect(qas).toBeChecked({ checked: !before });
  await app.waitForSteps(1);
});
