// @ts-check
// Fetches the module of the page and takes it out of its xz stream, as it arrives.
import { XzReadableStream } from 'xz-decompress';

/**
 * @param {URL} url
 * @returns {Promise<ArrayBuffer>}
 */
export async function unpacked(url) {
  const response = await fetch(url);
  if (!response.ok || !response.body) {
    throw new Error(`${url.pathname} was answered with ${response.status}`);
  }
  return new Response(new XzReadableStream(response.body)).arrayBuffer();
}
