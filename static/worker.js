// @ts-check
// Starts the part of the page that trains, in a thread of its own.
import init, { start_worker } from '../pkg/quartermeg.js';

await init();
start_worker();
