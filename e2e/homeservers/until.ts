import { setTimeout as pause } from 'node:timers/promises';

const patience = 120_000;
const interval = 50;

/**
 * Asks until there is something.
 * @param what is asked for, for the error
 * @throws with the last error of asking, if there is nothing after two minutes
 */
export async function until<T>(ask: () => Promise<T | null>, what: string): Promise<T> {
  const end = performance.now() + patience;
  let cause: unknown;
  while (performance.now() < end) {
    try {
      const found = await ask();
      if (found !== null) return found;
    } catch (error) {
      cause = error;
    }
    await pause(interval);
  }
  throw new Error(`${what}: not within ${patience} ms`, { cause });
}
