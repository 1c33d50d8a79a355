// Everything that a page may do wrong without a test looking: a test that sees one of these fails.

const LOCAL = new Set(['about:', 'blob:', 'data:']);

/**
 * Watches a page from before its first script on.
 *
 * @returns {Promise<string[]>} a list that grows with every fault
 */
export async function watch(page, origin) {
  const faults = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => faults.push(`uncaught: ${error.message}`));
  page.on('crash', () => faults.push('the page crashed'));
  page.context().on('request', (request) => {
    const url = new URL(request.url());
    if (!LOCAL.has(url.protocol) && url.origin !== origin) faults.push(`request to another origin: ${url.href}`);
  });
  await page.exposeFunction('__reportViolation', (text) => faults.push(`content security policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      window.__reportViolation(`${event.violatedDirective} refused ${event.blockedURI || 'inline code'}`);
    });
  });
  return faults;
}
