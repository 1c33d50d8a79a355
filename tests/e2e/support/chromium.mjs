// Where the browser is and how it is started.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** What Playwright needs in order to start the browser. */
export function launchOptions() {
  return {
    executablePath: process.env.QUARTERMEG_CHROMIUM ?? onPath(NAMES),
    headless: true,
    args: [
      '--headless',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      // Nothing but the page shall speak to the network.
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // The sandbox refuses to work for root, which is who runs the tests in a container.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  };
}

/** The first of the programs that PATH holds. */
function onPath(names) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const name of names) {
    for (const folder of folders) {
      const file = join(folder, name);
      try {
        accessSync(file, constants.X_OK);
        return file;
      } catch {
        // Not here; look further.
      }
    }
  }
  throw new Error(`None of ${names.join(', ')} is on PATH; on Debian get one with \`apt-get install chromium\`.`);
}
