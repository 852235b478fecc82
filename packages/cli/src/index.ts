export { type Config, parseConfig } from './config/config.ts';
export { readSources } from './config/sources.ts';
export { createLogger } from './log.ts';
export { type RunningServer, startServer } from './server.ts';
export { machine, randomness, timers } from './system.ts';
