// @ts-check
// Starts the part of the page that trains, in a thread of its own.
import init, { start_worker } from '../pkg/quartermeg_web.js';

await init();
start_worker();
