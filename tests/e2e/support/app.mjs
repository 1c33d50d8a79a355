// The page as a person sees it: everything is found by its role and its accessible name.
import { expect } from '@playwright/test';

/** How long the page may take until it trains, on a machine that is busy with other things. */
const START_MILLIS = 20_000;

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

  /** Stops the training and waits until the last batch of records has arrived. */
  async pause() {
    await this.button('Pause').click();
    await expect(this.button('Play')).toBeVisible();
    await this.settle();
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

  /**
   * Reads outputs once per drawn frame until the training has stopped by itself.
   *
   * @param {string[]} names the outputs to read
   * @returns {Promise<number[][]>} a row of numbers for every step count that was seen, the count first
   */
  async recordUntilStop(names) {
    const handles = await Promise.all(['Steps', ...names].map((name) => this.output(name).elementHandle()));
    const play = await this.page.getByRole('button', { name: /^(Play|Pause)$/ }).elementHandle();
    const rows = await this.page.evaluate(
      ([outputs, button]) =>
        new Promise((resolve) => {
          const seen = [];
          const read = () => {
            const row = outputs.map((output) => output.textContent ?? '');
            if (seen.at(-1)?.[0] !== row[0]) seen.push(row);
            const name = button.getAttribute('aria-label') ?? button.textContent ?? '';
            if (name.includes('Play')) resolve(seen);
            else requestAnimationFrame(read);
          };
          read();
        }),
      [handles, play],
    );
    return rows.map((row) => row.map(firstNumber));
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
