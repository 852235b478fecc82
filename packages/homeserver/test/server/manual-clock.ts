import type { Cancel, Clock, Ms, Timers } from '@matrix-futures/engine';

/** Time that only moves when a test says so. `soon` is real: it is the turn of the event loop. */
export interface ManualTime extends Clock, Timers {
  /** Moves time on, and runs what is due, in order. */
  advance(by: Ms): void;
}

export function manualTime(start = 1_700_000_000_000): ManualTime {
  let now = start;
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  return {
    now: () => now,
    wall: () => now,
    after(delay, run): Cancel {
      const timer = { at: now + delay, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    soon(run): Cancel {
      const handle = setImmediate(run);
      return () => clearImmediate(handle);
    },
    advance(by) {
      const end = now + by;
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        now = Math.max(now, next.at);
        timers = timers.filter((other) => other !== next);
        next.run();
      }
      now = end;
    },
  };
}
