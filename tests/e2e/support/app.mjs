// The page as a person sees it: everything is found by its role and its accessible name.
import { readFile } from 'node:fs/promises';

import { expect } from '@playwright/test';

/** How long the page may take until it trains, on a machine that is busy with other things. */
const START_MILLIS = 20_000;
/** How long a run of the default length may take there. */
const STOP_MILLIS = 40_000;

export class App {
  constructor(page) {
    this.page = page;
  }

  button(name) {
    return this.page.getByRole('button', { name, exact: true });
  }

  /** A field, select, slider or check box. */
  field(name) {
    return this.page.getByLabel(name, { exact: true });
  }

  output(name) {
    return this.page.getByRole('status', { name, exact: true });
  }

  async text(name) {
    return (await this.output(name).textContent())?.trim() ?? '';
  }

  /** The first number in an output, without its thousands separators. */
  async number(name) {
    return firstNumber(await this.text(name));
  }

  /** The exact bytes of an output like `1.5 KiB (1,536 B)`. */
  async bytes(name) {
    const text = await this.text(name);
    const match = /([\d,]+)\s*B\b/.exec(text);
    expect(match, `${name} shows bytes: "${text}"`).not.toBeNull();
    return Number(match[1].replaceAll(',', ''));
  }

  async waitForSteps(atLeast) {
    await expect
      .poll(() => this.number('Steps'), { timeout: START_MILLIS, message: `at least ${atLeast} steps` })
      .toBeGreaterThanOrEqual(atLeast);
  }

  /** The button that starts and stops the training, whichever it does now. */
  playOrPause() {
    return this.page.getByRole('button', { name: /^(Play|Pause)$/ });
  }

  /** Stops the training, unless it has come to its own end, and waits for the last of its records. */
  async pause() {
    if ((await this.playOrPause().textContent())?.includes('Pause')) await this.playOrPause().click();
    await this.waitForStop();
    await this.settle();
  }

  /** As fast as the machine allows, instead of a speed that people can follow. */
  async fullSpeed() {
    await this.field('Speed').selectOption({ label: 'As fast as possible' });
  }

  async waitForStop() {
    await expect(this.button('Play')).toBeVisible({ timeout: STOP_MILLIS });
  }

  /** Waits until the step count stands still, and returns it. */
  async settle() {
    let before;
    let now = await this.number('Steps');
    do {
      before = now;
      await this.page.waitForTimeout(200);
      now = await this.number('Steps');
    } while (now !== before);
    return now;
  }

  /** Opens the drawer with the settings that are seldom needed. */
  async openMore() {
    const drawer = this.page.locator('details').filter({ has: this.page.getByText('More', { exact: true }) });
    if ((await drawer.getAttribute('open')) === null) await drawer.locator('summary').click();
    await expect(drawer).toHaveAttribute('open');
  }

  /** Sets a field of the drawer, as one who types and presses Enter. */
  async set(name, value) {
    await this.openMore();
    await this.field(name).fill(value);
    await this.field(name).press('Enter');
  }

  /** The numbers behind the chart of a panel, row by row. */
  async numbers(panel) {
    const region = this.page.getByRole('region', { name: panel, exact: true });
    await region.getByText('Numbers', { exact: true }).click();
    const rows = region.getByRole('row').filter({ has: this.page.getByRole('rowheader') });
    await expect(rows.first()).toBeVisible();
    const cells = await rows.evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
    return cells.map((row) => row.map(firstNumber));
  }

  /** Opens a file by the button of the head. */
  async openFile(name, buffer) {
    const input = this.page.getByRole('banner').locator('input[type=file]');
    await input.setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
  }

  /** Exports one kind of file, and returns its name and bytes. */
  async download(kind, { withWeights = true } = {}) {
    await this.button('Export').click();
    const dialog = this.page.getByRole('dialog');
    await dialog.getByRole('radio', { name: kind }).check();
    await dialog.getByRole('checkbox', { name: 'With trained weights' }).setChecked(withWeights);
    const waiting = this.page.waitForEvent('download');
    await dialog.getByRole('button', { name: 'Download' }).click();
    const download = await waiting;
    const buffer = await readFile(await download.path());
    await this.page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
    return { name: download.suggestedFilename(), buffer };
  }

  pad() {
    return this.field('Drawing pad');
  }

  /** Brings the drawing pad to the front, where it stands behind a tab. */
  async showPad() {
    const tab = this.page.getByRole('tab', { name: /draw/i });
    if (await tab.count()) await tab.first().click();
  }

  /** Draws a vertical line, as for a one. */
  async drawOne() {
    await this.showPad();
    await this.pad().scrollIntoViewIfNeeded();
    const box = await this.pad().boundingBox();
    const { mouse } = this.page;
    await mouse.move(box.x + box.width / 2, box.y + box.height * 0.15);
    await mouse.down();
    await mouse.move(box.x + box.width / 2, box.y + box.height * 0.85, { steps: 12 });
    await mouse.up();
  }

  /** One choice of the weight ratio of a layer. */
  ratio(layer, choice) {
    const group = this.page.getByRole('group', { name: `Weight ratio of layer ${layer}`, exact: true });
    return group
      .getByRole('radio', { name: choice, exact: true })
      .or(group.getByRole('button', { name: choice, exact: true }));
  }
}

function firstNumber(text) {
  const match = /-?[\d,]+(?:\.\d+)?/.exec(text);
  return match === null ? Number.NaN : Number(match[0].replaceAll(',', ''));
}
