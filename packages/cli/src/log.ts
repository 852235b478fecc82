import { destination, pino, type Logger } from 'pino';
import type { LogLevel } from './config/config.ts';

/** Logs to standard error, a line of JSON an entry: standard output has the ready line and nothing else. */
export function createLogger(level: LogLevel): Logger {
  // Written at once: the line that says why the process ended must not be lost with it, and there are few others.
  return pino({ level, base: null }, destination({ dest: 2, sync: true }));
}
