import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Random } from './kill/random.ts';
import { Trial } from './kill/trial.ts';

const rounds = 11;

/** A failure is looked into with `KILL_SEED=… npm test -- e2e/kill.test.ts`. */
const firstSeed = Number(process.env['KILL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

it(
  'keeps every promise through kill -9: nothing lost, nothing early, nothing twice',
  { timeout: 120_000 },
  async () => {
    await using trial = await Trial.begin(firstSeed, 24);
    for (let round = 1; round <= rounds; round++) {
      const seed = firstSeed + round;
      const random = new Random(seed);
      // Now and then while what was overdue at the start is being sent.
      const life = random.chance(0.3) ? random.from(0, 150) : random.from(150, 1_500);
      await pause(life);
      const before = trial.operations.length;
      const { signal, stderr } = await trial.server.stop('SIGKILL');
      console.log(`round ${round}, seed ${seed}: killed after ${life} ms and ${before} operations`);
      expect({ signal, stderr }).toEqual({ signal: 'SIGKILL', stderr: '' });
      await pause(random.from(0, 200));
      await trial.restart();
    }
    const verdict = await trial.end();
    expect(verdict).toEqual({ breaches: [], missing: [], accounts: [] });
    expect(await trial.observer.readAgain()).toEqual(trial.observer.ids);

    // The load was one: every kind of operation was answered and, of some, the answer got lost.
    const { operations } = trial;
    const acknowledged = Map.groupBy(
      operations.filter(({ answer }) => answer?.status === 200),
      ({ kind }) => kind,
    );
    for (const kind of ['schedule', 'refresh', 'cancel', 'send', 'state', 'message'] as const)
      expect(acknowledged.get(kind)?.length, kind).toBeGreaterThan(10);
    expect(operations.filter(({ answer }) => answer === null).length).toBeGreaterThan(rounds);
  },
);
