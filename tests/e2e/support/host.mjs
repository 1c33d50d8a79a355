// A plain static host, as anyone might put the page on: no fallbacks, no rewriting, nothing above its path.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};

/** The folder with the finished page. */
export const dist = process.env.QUARTERMEG_DIST ?? fileURLToPath(new URL('../../../dist', import.meta.url));

/**
 * Serves `folder` under `path`, which begins and ends with a slash.
 *
 * @returns {Promise<{ url: string, close: () => Promise<void> }>} the address of the page, and how to end it
 */
export async function host(folder, path = '/') {
  const server = createServer(async (request, response) => {
    const file = fileOf(folder, path, request.url ?? '');
    try {
      if (file === undefined) throw new Error('outside');
      const body = await readFile(file);
      response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' });
      response.end(body);
    } catch {
      response.writeHead(404, { 'Content-Type': 'text/plain' });
      response.end('No such file.\n');
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${server.address().port}${path}`;
  const close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url, close };
}

/** The file that a request means, or nothing if it asks for something outside the served folder. */
function fileOf(folder, path, url) {
  const { pathname } = new URL(url, 'http://host');
  if (!pathname.startsWith(path)) return undefined;
  const below = decodeURIComponent(pathname.slice(path.length));
  const file = normalize(join(folder, below === '' || below.endsWith('/') ? `${below}index.html` : below));
  return file.startsWith(normalize(folder) + sep) ? file : undefined;
}
