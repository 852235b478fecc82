import fc from 'fast-check';
import type { Generation, Ms } from '../../src/index.ts';
import type { Use } from './model.ts';
import type { Fault } from './remote-double.ts';

export const users = ['@alice:s', '@bob:s', '@carol:s'] as const;
export type User = (typeof users)[number];
const user = fc.constantFrom<User>('@alice:s', '@alice:s', '@bob:s', '@bob:s', '@carol:s');
const rooms = fc.constantFrom('!a', '!b');
/** null: a message */
const keys = fc.constantFrom(null, null, 'x', 'y');
const names = fc.constantFrom('call', 'game');
const transaction = fc.constantFrom('t1', 't2', 't3', 't4');
const generation = fc.constantFrom<Generation>('futures', 'futures', 'delay-parameter', 'delayed-events');
const timeout = fc.constantFrom<Ms>(1, 40, 700, 1_500, 5_000, 5_000.5, 20_000, 90_000);

const schedule = fc.record({
  do: fc.constant('schedule' as const),
  owner: user,
  generation,
  timeout: fc.option(timeout, { freq: 4 }),
  name: fc.option(names, { freq: 2 }),
  room: rooms,
  key: keys,
  transaction: fc.option(transaction, { freq: 2 }),
});

const batch = fc.record({
  do: fc.constant('batch' as const),
  owner: user,
  room: rooms,
  timeout,
  key: keys,
  sendNow: fc.constantFrom<'none' | 'message' | 'x' | 'y'>('none', 'message', 'x', 'y'),
  actions: fc.array(keys, { maxLength: 2 }),
  transaction,
});

const use = fc.record({
  do: fc.constant('use' as const),
  pick: fc.nat(),
  use: fc.constantFrom<Use>('send', 'refresh', 'refresh', 'refresh', 'cancel'),
  /** by which right: the token, an old one of it, or the delay id with the login of the owner */
  by: fc.constantFrom<'token' | 'stale' | 'owner'>('token', 'token', 'token', 'token', 'stale', 'owner'),
});

const common = [
  { weight: 8, arbitrary: schedule },
  { weight: 2, arbitrary: batch },
  { weight: 10, arbitrary: use },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('state' as const),
      sender: user,
      room: rooms,
      key: fc.constantFrom('x', 'y'),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      by: fc.constantFrom<Ms>(0.3, 1, 39, 650, 1_000, 1_500, 4_999.5, 12_000, 45_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('step' as const),
      by: fc.constantFrom<Ms>(-86_400_000, -3_000, 1_000, 3_600_000, 31_536_000_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('power' as const), user, has: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reissue' as const), owner: user }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('list' as const), owner: user }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('fail' as const), commits: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      down: fc.constantFrom<Ms>(0, 300, 30_000),
      /** the wall clock is behind after it, so that server time goes on from its anchor as if no time had passed */
      anchored: fc.boolean(),
    }),
  },
];

const deactivate = {
  weight: 1,
  arbitrary: fc.record({ do: fc.constant('deactivate' as const), user: fc.constant<User>('@carol:s') }),
};

const share = fc.constantFrom(0.000_1, 0.01, 0.3, 0.6, 0.999);
const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: fc.constant('slow' as const), carried: share, answered: share }),
  fc.record({ kind: fc.constant('lost' as const), carried: fc.option(share, { freq: 2 }) }),
  fc.record({
    kind: fc.constant('server-error' as const),
    carried: fc.option(share, { freq: 2 }),
    told: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('refuse' as const) }),
  fc.record({ kind: fc.constant('busy' as const), retryAfter: fc.constantFrom<Ms>(100, 3_000, 200_000) }),
  fc.record({ kind: fc.constant('down' as const) }),
);

const troubles = [
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('faults' as const),
      faults: fc.array(fault, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('mute' as const), questions: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('forget' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('back' as const) }) },
];

export const localOperation = fc.oneof(...common, deactivate);
export const remoteOperation = fc.oneof(...common, deactivate, ...troubles);
export type Operation = typeof remoteOperation extends fc.Arbitrary<infer O> ? O : never;
