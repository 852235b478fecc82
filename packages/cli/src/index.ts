/** For benchmarks and tests, which measure and open parts of the server in their own process. */
export { machine, randomness, timers } from './system.ts';
