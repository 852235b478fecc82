import { describe, expect, test } from 'vitest';
import { defaultLimits, type Limits, type ScheduleAnswer, type ScheduleRequest } from '../src/index.ts';
import { alice, draft, onlyTokens } from './delivery/gateway.ts';
import { bob } from './rules/world.ts';
import { counted, Process } from './simulation/process.ts';
import { LocalDouble, Rooms } from './simulation/rooms.ts';
import { VirtualTime } from './simulation/virtual-time.ts';

/** The service with a homeserver inside. */
async function inside(limits: Partial<Limits> = {}) {
  const time = new VirtualTime();
  const rooms = new Rooms(time, () => {});
  const homeserver = new LocalDouble(rooms, (...event) => void process.futures.stateArrived(...event));
  const process: Process = new Process({
    time,
    homeserver,
    randomness: counted('futures'),
    image: null,
    offset: 0,
    wallOffset: () => 0,
    beforeCommit: () => homeserver.keep(),
    limits: { ...defaultLimits, ...limits },
    onError: (error) => {
      throw error;
    },
  });
  const { futures, store } = process;
  await futures.start();
  const schedule = (change: Partial<ScheduleRequest> = {}): Promise<ScheduleAnswer> =>
    futures.schedule({
      owner: alice,
      generation: 'futures',
      draft: draft(),
      timeout: 60_000,
      groupName: null,
      scope: null,
      ...change,
    });
  return { time, rooms, futures, store, schedule };
}

describe('limits', () => {
  test('of refreshes: 20 a second and future, then limited with the time to wait, and the deadline stays', async () => {
    const { time, futures, store, schedule } = await inside();
    const tokens = onlyTokens(await schedule());
    const other = onlyTokens(await schedule());
    await time.advance(100);
    for (let count = 0; count < 20; count += 1)
      expect(await futures.use(tokens.refresh ?? '')).toEqual({ kind: 'done' });
    await time.advance(300);
    const before = (await store.find(1))?.future.deadline;
    expect(await futures.use(tokens.refresh ?? '')).toEqual({ kind: 'limited', retryAfter: 700 });
    expect((await store.find(1))?.future.deadline).toBe(before);
    expect(await futures.use(other.refresh ?? '')).toEqual({ kind: 'done' });
    await time.advance(700);
    expect(await futures.use(tokens.refresh ?? '')).toEqual({ kind: 'done' });
  });

  test('of refreshes: nobody who does not hold the future uses them up, or is told of the limit', async () => {
    const { time, futures, schedule } = await inside({ refreshesPerSecond: 1 });
    const revoked = onlyTokens(await schedule({ generation: 'delayed-events' }));
    await time.advance(100);
    await futures.reissue(alice);
    const [held] = await futures.list(alice);
    const { refresh, delayId, cancel } = held?.tokens ?? revoked;
    const others = [futures.holderOfDelayId(delayId, bob), futures.holderOfDelayId(delayId, null)];
    for (let count = 0; count < 3; count += 1) {
      expect(await futures.use(revoked.refresh ?? '')).toEqual({ kind: 'gone' });
      for (const other of others) expect(other && (await futures.refresh(other))).toEqual({ kind: 'gone' });
    }
    const owner = futures.holderOfDelayId(delayId, alice);
    expect(owner && (await futures.refresh(owner))).toEqual({ kind: 'done' });
    expect(owner && (await futures.refresh(owner))).toMatchObject({ kind: 'limited' });
    expect(await futures.use(refresh ?? '')).toMatchObject({ kind: 'limited' });
    expect(await futures.use(cancel)).toEqual({ kind: 'done' });
    expect(await futures.use(refresh ?? '')).toEqual({ kind: 'gone' });
  });

  test.each<[string, Partial<Limits>, Partial<ScheduleRequest>]>([
    ['pendingPerUser', { pendingPerUser: 2 }, {}],
    ['contentBytesPerUser', { contentBytesPerUser: 5 }, {}],
    ['futuresPerStateKey', { futuresPerStateKey: 2 }, { draft: draft({ stateKey: 'x' }) }],
    ['futuresPerGroup', { futuresPerGroup: 2 }, { groupName: 'g' }],
  ])('%s: refused beyond it, and for nobody else', async (limit, limits, change) => {
    const { schedule } = await inside(limits);
    expect((await schedule(change)).kind).toBe('scheduled');
    expect((await schedule(change)).kind).toBe('scheduled');
    expect(await schedule(change)).toMatchObject({ kind: 'over-limit', limit });
    expect((await schedule({ ...change, owner: bob })).kind).toBe('scheduled');
  });

  test('per user are lifted where they are switched off, and that of a group is not', async () => {
    const { schedule } = await inside({ perUser: false, pendingPerUser: 1, futuresPerGroup: 2 });
    for (let count = 0; count < 2; count += 1)
      expect((await schedule({ groupName: 'g' })).kind).toBe('scheduled');
    expect(await schedule({ groupName: 'g' })).toMatchObject({
      kind: 'over-limit',
      limit: 'futuresPerGroup',
    });
  });

  test('of a timeout: up to the maximum, and 100 years where there is none', async () => {
    const { schedule } = await inside({ maxTimeout: 1_000 });
    expect((await schedule({ timeout: 1_000 })).kind).toBe('scheduled');
    expect(await schedule({ timeout: 1_001 })).toEqual({ kind: 'too-long', maximum: 1_000 });
    const endless = await inside({ maxTimeout: 0 });
    expect((await endless.schedule({ timeout: 36_525 * 86_400_000 })).kind).toBe('scheduled');
    expect((await endless.schedule({ timeout: 36_525 * 86_400_000 + 1 })).kind).toBe('too-long');
  });
});

describe('names of groups', () => {
  test('a group that new state has ended keeps its outcome when its name is used again', async () => {
    const { futures, store, schedule } = await inside();
    await schedule({ groupName: 'g', draft: draft({ stateKey: 'x' }) });
    await futures.stateArrived({ room: '!a', type: 'm.test', key: 'x' }, '$new', bob);
    expect((await schedule({ groupName: 'g' })).kind).toBe('scheduled');
    expect(await store.find(1)).toMatchObject({
      future: { outcome: { kind: 'cancelled', reason: 'state' } },
      group: { phase: 'closed' },
    });
    expect((await store.find(2))?.group.phase).toBe('open');
  });

  test('one name of two owners is two groups', async () => {
    const { futures, schedule } = await inside();
    const hers = onlyTokens(await schedule({ groupName: 'g' }));
    const his = onlyTokens(await schedule({ groupName: 'g', owner: bob }));
    expect(await futures.use(hers.send)).toEqual({ kind: 'done' });
    expect(await futures.use(his.refresh ?? '')).toEqual({ kind: 'done' });
  });
});

describe('transactions', () => {
  test('concurrent repeats wait for the first, and are answered with its tokens', async () => {
    const { futures, schedule } = await inside();
    const once = () =>
      futures.once(
        'scope',
        (before): ScheduleAnswer => before,
        () => schedule({ scope: 'scope' }),
      );
    const [first, second] = await Promise.all([once(), once()]);
    expect(second).toEqual(first);
    expect(await once()).toEqual(first);
    expect(await futures.list(alice)).toHaveLength(1);
  });

  test('nothing is remembered of what was not scheduled', async () => {
    const { futures, schedule } = await inside({ maxTimeout: 1_000 });
    const once = (timeout: number) =>
      futures.once(
        'scope',
        (before): ScheduleAnswer => before,
        () => schedule({ scope: 'scope', timeout }),
      );
    expect((await once(2_000)).kind).toBe('too-long');
    expect((await once(1_000)).kind).toBe('scheduled');
  });
});

describe('who may use a future', () => {
  test('new tokens for all: the old ones are dead, the new ones work', async () => {
    const { futures, schedule } = await inside();
    const old = onlyTokens(await schedule());
    expect(await futures.reissue(alice)).toBe(1);
    for (const token of [old.send, old.cancel, old.refresh ?? ''])
      expect(await futures.use(token)).toEqual({ kind: 'gone' });
    const [listed] = await futures.list(alice);
    expect(await futures.use(listed?.tokens.refresh ?? '')).toEqual({ kind: 'done' });
  });

  test('a bare delay id works for futures of the delay parameter only; with a login for those of its owner', async () => {
    const { futures, schedule } = await inside();
    const { delayId } = onlyTokens(await schedule());
    const delayed = onlyTokens(await schedule({ generation: 'delay-parameter' }));
    const use = async (id: string, owner: string | null) => {
      const holder = futures.holderOfDelayId(id, owner);
      return holder && (await futures.refresh(holder)).kind;
    };
    expect(await use(delayId, null)).toBe('gone');
    expect(await use(delayId, alice)).toBe('done');
    expect(await use(delayId, bob)).toBe('gone');
    expect(await use(delayed.delayId, null)).toBe('done');
    expect(await use(delayed.send, null)).toBeNull();
    expect(await futures.use(delayed.delayId)).toEqual({ kind: 'gone' });
  });
});
