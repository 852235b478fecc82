import type { Ms, Timers } from '../clock.ts';

/** Waits that long, or until `end` aborts. */
export function sleep(timers: Timers, delay: Ms, end: AbortSignal): Promise<void> {
  if (delay <= 0 || end.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      end.removeEventListener('abort', done);
      cancel();
      resolve();
    };
    const cancel = timers.after(delay, done);
    end.addEventListener('abort', done);
  });
}
