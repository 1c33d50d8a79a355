// Runs a blob in the wasm module: node run.mjs MODULE BLOB BYTES_OF_THE_BLOCK
import { readFileSync } from "node:fs";

const PAGE_BYTES = 65536;
const [modulePath, blobPath, blockText] = process.argv.slice(2);
const blob = readFileSync(blobPath);
const blockBytes = Number(blockText);

const decoder = new TextDecoder();
let text = "";
const imports = {
  twin: {
    write(at, length) {
      text += decoder.decode(new Uint8Array(memory.buffer, at, length), { stream: true });
    },
  },
};
const { instance } = await WebAssembly.instantiate(readFileSync(modulePath), imports);
const { memory, run } = instance.exports;

// Both lie behind everything that the module has, in pages of their own.
const pages = (bytes) => Math.ceil(bytes / PAGE_BYTES);
const blobAt = memory.grow(pages(blob.length) + pages(blockBytes)) * PAGE_BYTES;
const blockAt = blobAt + pages(blob.length) * PAGE_BYTES;
new Uint8Array(memory.buffer).set(blob, blobAt);
try {
  process.exitCode = run(blobAt, blob.length, blockAt, blockBytes);
} catch (error) {
  console.error(String(error));
  process.exitCode = 101;
}
process.stdout.write(text);
