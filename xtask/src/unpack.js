// @ts-check
// Fetches the module of the page and takes it out of its zstd frame.
import { decompress } from 'fzstd';

/**
 * @param {URL} url
 * @returns {Promise<Uint8Array>}
 */
export async function unpacked(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname} was answered with ${response.status}`);
  return decompress(new Uint8Array(await response.arrayBuffer()));
}
