import { createHash } from 'node:crypto';
import {
  defaultLimits,
  Futures,
  Tokens,
  type FutureStore,
  type Homeserver,
  type Limits,
  type Ms,
  type RemoteOptions,
} from '../../src/index.ts';
import { MemoryStore, type Image } from '@matrix-futures/store-memory';
import { ProcessTime, type VirtualTime } from './virtual-time.ts';

const day: Ms = 86_400_000;
export const retention = { listed: 7 * day, listedPerOwner: 1_000, tombstones: 7 * day };
export const tokens = new Tokens([new Uint8Array(32).fill(7)]);

/** Rates are tried by themselves; here nothing may be slowed down. */
const limits: Limits = { ...defaultLimits, refreshesPerSecond: 1_000_000 };

/** Bytes that differ from call to call and are the same in every run. */
export function counted(seed: string): { bytes: (length: number) => Uint8Array } {
  let count = 0;
  return {
    bytes: (length) => {
      count += 1;
      return createHash('sha256').update(`${seed} ${count}`).digest().subarray(0, length);
    },
  };
}

export interface ProcessParts {
  readonly time: VirtualTime;
  readonly homeserver: Homeserver;
  readonly randomness: ReturnType<typeof counted>;
  /** what the last process left; null: nothing */
  readonly image: Image | null;
  /** server time minus real time */
  readonly offset: number;
  readonly wallOffset: () => number;
  readonly beforeCommit?: () => void;
  /** another store than one in memory of its own: given what time it is */
  readonly store?: (clock: ProcessTime) => FutureStore;
  readonly unit?: 'in-process' | 'remote';
  readonly remote?: RemoteOptions;
  readonly limits?: Limits;
  readonly onError: (error: unknown) => void;
  readonly onFired?: (lateness: Ms) => void;
}

/** A dead process asks nothing more, and hears of no answer. */
function untilKilled(homeserver: Homeserver, clock: ProcessTime): Homeserver {
  if (homeserver.kind === 'local') return homeserver;
  const heard = async <T>(ask: () => Promise<T>): Promise<T> => {
    const never = new Promise<never>(() => {});
    if (clock.killed) return never;
    try {
      const answer = await ask();
      return clock.killed ? await never : answer;
    } catch (error) {
      if (clock.killed) return never;
      throw error;
    }
  };
  return {
    kind: 'remote',
    memoryOf: (draft) => homeserver.memoryOf(draft),
    judgeForm: (draft) => homeserver.judgeForm(draft),
    judgeSender: (draft) => heard(() => homeserver.judgeSender(draft)),
    fence: (key, as) => heard(() => homeserver.fence(key, as)),
    newState: (...question) => heard(() => homeserver.newState(...question)),
    deliver: (...request) => heard(() => homeserver.deliver(...request)),
    look: (sent) => heard(() => homeserver.look(sent)),
    isAway: () => homeserver.isAway(),
    onReturn: (run) =>
      homeserver.onReturn(() => {
        if (!clock.killed) run();
      }),
  };
}

/** The real service on the memory store, until it is killed. */
export class Process {
  readonly futures: Futures;
  readonly store: FutureStore;
  readonly clock: ProcessTime;

  constructor(parts: ProcessParts) {
    const { time, image, beforeCommit, unit = 'in-process' } = parts;
    this.clock = new ProcessTime(time, () => parts.offset, parts.wallOffset);
    this.store =
      parts.store?.(this.clock) ??
      new MemoryStore({
        clock: this.clock,
        retention,
        unit,
        ...(beforeCommit ? { beforeCommit } : {}),
        ...(image ? { image } : {}),
      });
    this.futures = new Futures({
      limits,
      ...parts,
      homeserver: untilKilled(parts.homeserver, this.clock),
      store: this.store,
      clock: this.clock,
      timers: this.clock,
      tokens,
    });
  }

  /** What is left of it is what was committed. */
  kill(): Image | null {
    this.clock.kill();
    return this.store instanceof MemoryStore ? this.store.image() : null;
  }
}
