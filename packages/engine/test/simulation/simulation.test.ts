/**
 * Random histories of the real service with a simulated clock, judged by `model.ts`. One seed gives one history.
 *
 * `SIMULATION_RUNS=20000 npx vitest run packages/engine/test/simulation` runs longer, with a seed of its own that a
 * failure prints; `SIMULATION_SEED=… SIMULATION_PATH=…` runs that one again.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { localOperation, remoteOperation, type Operation } from './operations.ts';
import { Simulation, type Setting } from './simulation.ts';

const { SIMULATION_RUNS: runs, SIMULATION_SEED: seed, SIMULATION_PATH: path } = process.env;

function parameters(usual: number): fc.Parameters<[Operation[]]> {
  return {
    numRuns: runs === undefined ? usual : Number(runs),
    ...(runs === undefined || seed !== undefined ? { seed: Number(seed ?? 20_240_606) } : {}),
    ...(path === undefined ? {} : { path }),
  };
}

async function live(setting: Setting, operations: readonly Operation[]): Promise<void> {
  const simulation = new Simulation(setting);
  await simulation.start();
  for (const operation of operations) {
    await simulation.run(operation);
    expect(simulation.violations).toEqual([]);
  }
  await simulation.end();
  simulation.kill();
  expect(simulation.violations).toEqual([]);
}

describe('never two events of a group, never early, nothing acknowledged lost, no token alive that should be dead', () => {
  test.each<[string, Setting, fc.Arbitrary<Operation>, number]>([
    ['a homeserver inside', { homeserver: 'local', store: 'memory' }, localOperation, 300],
    [
      'a homeserver inside, and a store on SQLite',
      { homeserver: 'local', store: 'sqlite' },
      localOperation,
      60,
    ],
    [
      'a remote homeserver with a durable memory',
      { homeserver: 'remote', memory: 'durable', unit: 'in-process' },
      remoteOperation,
      600,
    ],
    [
      'a remote homeserver that forgets',
      { homeserver: 'remote', memory: 'forgets', unit: 'in-process' },
      remoteOperation,
      600,
    ],
    [
      'a remote homeserver, and a store elsewhere that makes every decision twice',
      { homeserver: 'remote', memory: 'durable', unit: 'remote' },
      remoteOperation,
      300,
    ],
  ])('%s', { timeout: 1_000_000 }, async (_, setting, operation, usual) => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60, size: 'max' }), (operations) =>
        live(setting, operations),
      ),
      parameters(usual),
    );
  });
});
