// @ts-check
// Starts the page, or says in plain words why it cannot start.

/** The smallest module that uses SIMD: a function that makes a vector from a number. */
const SIMD_MODULE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/**
 * Shows a sentence in the place of the page.
 *
 * @param {string} sentence
 */
function explain(sentence) {
  const root = document.getElementById('app') ?? document.body;
  const paragraph = document.createElement('p');
  paragraph.setAttribute('role', 'alert');
  paragraph.textContent = sentence;
  root.replaceChildren(paragraph);
}

async function start() {
  if (typeof WebAssembly !== 'object' || !WebAssembly.validate(SIMD_MODULE)) {
    explain(
      'This page needs a browser with WebAssembly SIMD: Chrome or Edge from 91 on, Firefox from 89 on, ' +
        'Safari from 16.4 on. Please update your browser and open the page again.',
    );
    return;
  }
  try {
    const { default: init, start_app } = await import('../pkg/quartermeg.js');
    await init();
    start_app();
  } catch (error) {
    explain(
      `The page could not be loaded (${error instanceof Error ? error.message : error}). ` +
        'Check your connection and load it again.',
    );
    throw error;
  }
}

/** Lets the browser keep the page, so that it opens without a network from the second time on. */
async function keep() {
  // Only pages from https or this machine may be kept; the page does without.
  if (!navigator.serviceWorker) return;
  const registration = await navigator.serviceWorker.register(new URL('../offline.js', import.meta.url));
  // A newer build that was fetched during an earlier visit is what the next visit opens.
  registration?.waiting?.postMessage('take over');
}

await start();
// Not before the page has begun: fetching all files would hold it up.
setTimeout(() => keep().catch(() => {}), 3000);
