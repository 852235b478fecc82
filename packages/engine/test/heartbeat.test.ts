import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { MemoryStore, type Image } from '@matrix-futures/store-memory';
import { defaultLimits, Futures, Tokens } from '../src/index.ts';
import { ProcessTime, VirtualTime } from './simulation/virtual-time.ts';

const user = '@alice:test';
const draft = { room: '!room:test', sender: user, type: 'm.left', stateKey: null, content: {}, extras: {} };
const timeout = 8_000;

/** One run of a process over what an earlier one left behind. */
class Run {
  readonly sent: number[] = [];
  readonly futures: Futures;
  readonly store: MemoryStore;
  commits = 0;

  constructor(time: VirtualTime, image?: Image) {
    const process = new ProcessTime(
      time,
      () => 0,
      () => 0,
    );
    this.store = new MemoryStore({
      clock: process,
      retention: { listed: 1e9, listedPerOwner: 1_000, tombstones: 1e9 },
      beforeCommit: () => void (this.commits += 1),
      ...(image && { image }),
    });
    this.futures = new Futures({
      store: this.store,
      homeserver: {
        kind: 'local',
        judgeForm: () => null,
        append: () => {
          this.sent.push(time.now());
          return { kind: 'accepted', event: `$${this.sent.length}` };
        },
      },
      clock: process,
      timers: process,
      randomness: { bytes: (length) => createHash('shake256', { outputLength: length }).digest() },
      tokens: new Tokens([new Uint8Array(32)]),
      limits: defaultLimits,
      onError: (error) => {
        throw error;
      },
    });
  }

  schedule(): Promise<unknown> {
    const asked = { owner: user, generation: 'futures', draft, timeout, heartbeat: 'D' } as const;
    return this.futures.schedule({ ...asked, groupName: null, scope: null });
  }
}

describe('a future whose timer the syncs of a device restart', () => {
  test('is not written for a sync, and once a timeout at most', async () => {
    const time = new VirtualTime();
    const run = new Run(time);
    await run.futures.start();
    await run.schedule();
    const before = run.commits;
    for (let count = 0; count < 8_000; count += 1) {
      run.futures.deviceSyncs(user, 'D')();
      await time.advance(10);
    }
    expect(run.sent).toEqual([]);
    // Sweeping looks whether there is something to clean, too: once a minute.
    expect(run.commits - before).toBeLessThanOrEqual(80_000 / timeout + 4);
    await run.futures.stop();
  });

  test('fires a timeout after the last sync, and not a moment earlier', async () => {
    const time = new VirtualTime();
    const run = new Run(time);
    await run.futures.start();
    await run.schedule();
    const over = run.futures.deviceSyncs(user, 'D');
    await time.advance(30_000);
    over();
    await time.advance(2 * timeout);
    expect(run.sent).toHaveLength(1);
    expect(run.sent[0]).toBeGreaterThanOrEqual(30_000 + timeout);
    expect(run.sent[0]).toBeLessThan(30_000 + timeout + 5);
    await run.futures.stop();
  });

  test('after a crash has a whole timeout from the start, because syncs up to then are forgotten', async () => {
    const time = new VirtualTime();
    const first = new Run(time);
    await first.futures.start();
    await first.schedule();
    first.futures.deviceSyncs(user, 'D');
    await time.advance(20_000);
    const image = first.store.image();
    await first.futures.stop();
    await time.advance(60_000);

    const second = new Run(time, image);
    const started = time.now();
    await second.futures.start();
    await time.advance(timeout - 1);
    expect([...first.sent, ...second.sent]).toEqual([]);
    await time.advance(timeout);
    expect(second.sent).toHaveLength(1);
    expect(second.sent[0]).toBeGreaterThanOrEqual(started + timeout);
    await second.futures.stop();
  });
});
