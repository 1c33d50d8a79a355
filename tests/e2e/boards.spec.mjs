// A board with sizes of one's own.
import { expect, test } from './support/test.mjs';

test('a custom board is chosen, changed, undone and shared', async ({ app, site }) => {
  await app.pause();
  await app.field('Device').selectOption('custom');
  const board = app.page.getByRole('group', { name: 'Custom board' });
  const field = (name) => board.getByLabel(name, { exact: true });
  // It begins with the sizes of the board before.
  await expect(field('SRAM')).toHaveValue('262,144');
  await expect(field('Flash')).toHaveValue('1,048,576');
  const type = async (name, text) => {
    await field(name).fill(text);
    await field(name).press('Enter');
  };
  await type('SRAM', '200000');
  await expect(app.field('Memory budget')).toHaveValue('200,000');
  await type('Flash', '524288');
  await type('Clock', '84');
  await expect.poll(() => app.page.evaluate(() => location.hash)).toBe('#v=1&device=custom:200000:524288:84');

  await type('SRAM', '100');
  await expect(board.getByRole('alert')).toContainText('16.0 KiB (16,384 B)');
  await type('SRAM', '200000');
  await expect(board.getByRole('alert')).toHaveCount(0);

  await app.button('Undo').click();
  await expect(field('Clock')).not.toHaveValue('84');
  await app.button('Redo').click();
  await expect(field('Clock')).toHaveValue('84');

  // Flash and clock leave a budget of one's own as it is.
  await app.field('Memory budget').fill('180000');
  await app.field('Memory budget').press('Enter');
  await type('Clock', '0');
  await expect(app.field('Memory budget')).toHaveValue('180,000');
  await expect
    .poll(() => app.page.evaluate(() => location.hash))
    .toBe('#v=1&device=custom:200000:524288&budget=180000');

  await app.page.goto('about:blank');
  await app.page.goto(`${site.url}#v=1&device=custom:200000:524288:84&budget=180000`);
  await app.waitForSteps(1);
  await expect(app.field('Device')).toHaveValue('custom');
  await expect(field('SRAM')).toHaveValue('200,000');
  await expect(field('Flash')).toHaveValue('524,288');
  await expect(field('Clock')).toHaveValue('84');
  await expect(app.field('Memory budget')).toHaveValue('180,000');
});
