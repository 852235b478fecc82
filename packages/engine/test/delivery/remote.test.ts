import { describe, expect, test } from 'vitest';
import { alice, draft, Gateway, onlyTokens } from './gateway.ts';
import type { RemoteDouble } from '../simulation/remote-double.ts';
import { HomeserverUnavailable, type BatchRequest } from '../../src/index.ts';

const minute = 60_000;
const day = 86_400_000;
const lost = { kind: 'lost', carried: null } as const;
const lostAnswer = { kind: 'lost', carried: 0.000_1 } as const;
const broken = { kind: 'server-error', carried: null } as const;
/** … and is said to be over */
const failed = { ...broken, told: true } as const;
const refuse = { kind: 'refuse' } as const;
const down = { kind: 'down' } as const;

/** Between the requests, in seconds. */
function pausesOf({ homeserver }: Gateway): number[] {
  const at = homeserver.requests.map((request) => request.at);
  return at.slice(1).map((instant, place) => Math.round((instant - (at[place] ?? 0)) / 100) / 10);
}

describe('a timer in front of a remote homeserver', () => {
  test('its event is sent when it is due, and not before', async () => {
    const gateway = await Gateway.started();
    const scheduled = gateway.time.now();
    await gateway.schedule({ content: { n: 1 } });
    await gateway.time.advance(999);
    expect(gateway.events()).toEqual([]);
    await gateway.time.advance(20);
    expect(gateway.events()).toEqual([1]);
    expect(gateway.homeserver.requests[0]?.at).toBeGreaterThanOrEqual(scheduled + 1_000);
    expect(gateway.lateness).toEqual([expect.toSatisfy((late: number) => late >= 0 && late < 20)]);
  });

  test('an answer that was lost: the same request again, where the homeserver remembers', async () => {
    const gateway = await Gateway.started('durable');
    const { send, refresh, cancel } = await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push(lostAnswer);
    await gateway.time.advance(minute);
    expect(gateway.events()).toEqual([1]);
    const transactions = gateway.homeserver.requests.map(({ transaction }) => transaction);
    expect(transactions).toHaveLength(2);
    expect(new Set(transactions).size).toBe(1);
    expect(gateway.homeserver.looked).toHaveLength(0);
    for (const token of [send, refresh, cancel]) expect(await gateway.use(token)).toBe('gone');
  });

  test('an answer that was lost: that the event is not there is believed when no request can be running, where the homeserver forgets', async () => {
    const gateway = await Gateway.started('forgets');
    await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push({ kind: 'lost', carried: 0.99 });
    await gateway.time.advance(1_000 + 59_900);
    expect(gateway.homeserver.looked).toHaveLength(1);
    gateway.homeserver.forget();
    await gateway.time.advance(minute);
    expect(gateway.homeserver.looked).toHaveLength(2);
    expect(gateway.homeserver.requests).toHaveLength(1);
    expect(gateway.events()).toEqual([1]);
  });

  test('an answer that was lost: what the first look finds is there, and nothing is waited for', async () => {
    const gateway = await Gateway.started('forgets');
    await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push(lostAnswer);
    await gateway.time.advance(1_000 + 30_100);
    expect((await gateway.node.store.find(1))?.future.outcome?.kind).toBe('sent');
    expect(gateway.homeserver.looked).toHaveLength(1);
    expect(gateway.events()).toEqual([1]);
  });

  test('a request that was lost before a homeserver that forgets is made again when a look has found nothing', async () => {
    const gateway = await Gateway.started('forgets');
    await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push(lost);
    await gateway.time.advance(1_000 + 59_900);
    expect(gateway.homeserver.requests).toHaveLength(1);
    await gateway.time.advance(minute);
    expect(gateway.homeserver.looked).toHaveLength(2);
    expect(gateway.events()).toEqual([1]);
  });

  test('429: the claim is kept, and nothing is tried before the homeserver said', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push({ kind: 'busy', retryAfter: 20_000 });
    await gateway.time.advance(20_000);
    expect(gateway.homeserver.requests).toHaveLength(1);
    await gateway.time.advance(1_100);
    expect(gateway.homeserver.requests).toHaveLength(2);
    expect(gateway.events()).toEqual([1]);
  });

  test('without a word from the homeserver, the pauses double from 0.5 s up to a minute', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule();
    gateway.homeserver.faults.push(...Array.from({ length: 11 }, () => down));
    await gateway.time.advance(10 * minute);
    expect(pausesOf(gateway).slice(0, 10)).toEqual([0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  test('what is never taken and never found is tried after pauses that double, too', async () => {
    const gateway = await Gateway.started('forgets');
    await gateway.schedule();
    gateway.homeserver.faults.push(...Array.from({ length: 11 }, () => failed));
    await gateway.time.advance(10 * minute);
    expect(pausesOf(gateway).slice(0, 10)).toEqual([0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
  });

  test('the time that a look has taken counts as a pause', async () => {
    const gateway = await Gateway.started('forgets');
    await gateway.schedule();
    gateway.homeserver.faults.push(lost, lost);
    await gateway.time.advance(3 * minute);
    expect(pausesOf(gateway)).toEqual([60, 60]);
  });

  test('a refusal is final when no attempt can have had an effect: the future failed, the others go on', async () => {
    const gateway = await Gateway.started();
    const first = await gateway.schedule({ groupName: 'g' });
    const second = await gateway.schedule({
      groupName: 'g',
      timeout: 5_000,
      draft: draft({ content: { n: 2 } }),
    });
    gateway.homeserver.faults.push(refuse);
    await gateway.time.advance(1_100);
    expect(await gateway.use(first.cancel)).toBe('gone');
    expect(await gateway.use(second.refresh)).toBe('done');
    await gateway.time.advance(5_100);
    expect(gateway.events()).toEqual([2]);
  });

  test('a refusal after an attempt of unknown outcome is not final', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push({ kind: 'server-error', carried: 0.000_1 }, refuse);
    await gateway.time.advance(2 * minute);
    expect(gateway.events()).toEqual([1]);
    expect((await gateway.node.store.find(1))?.future.outcome?.kind).toBe('sent');
  });

  test('refused for good after an attempt that was lost: settled by a look, in minutes and not in a day', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule();
    gateway.rooms.powerless.add(alice);
    gateway.homeserver.faults.push(lost);
    await gateway.time.advance(5 * minute);
    expect((await gateway.node.store.find(1))?.future.outcome?.kind).toBe('failed');
  });

  test('24 hours without knowing: failed with an unknown outcome, and the name stays used up', async () => {
    const gateway = await Gateway.started('durable');
    await gateway.schedule({ groupName: 'g' });
    gateway.homeserver.faults.push(...Array.from({ length: 3_000 }, () => broken));
    await gateway.time.advance(day - minute);
    expect((await gateway.node.store.find(1))?.future.status).toBe('scheduled');
    await gateway.time.advance(5 * minute);
    expect((await gateway.node.store.find(1))?.future.outcome).toMatchObject({
      kind: 'failed',
      error: { status: 504 },
    });
    const again = gateway.node.futures.schedule({
      owner: alice,
      generation: 'futures',
      draft: draft(),
      timeout: 1,
      groupName: 'g',
      scope: null,
    });
    expect(await gateway.answer(again)).toEqual({ kind: 'conflict', why: 'already-sent' });
  });

  test('a refresh takes the claim back while no attempt can have had an effect', async () => {
    const gateway = await Gateway.started();
    const { refresh } = await gateway.schedule({ content: { n: 1 }, timeout: 10_000 });
    gateway.homeserver.faults.push({ kind: 'busy', retryAfter: 5_000 });
    await gateway.time.advance(11_000);
    const at = gateway.time.now();
    expect(await gateway.use(refresh)).toBe('done');
    await gateway.time.advance(9_990);
    expect(gateway.events()).toEqual([]);
    await gateway.time.advance(100);
    expect(gateway.events()).toEqual([1]);
    expect(gateway.homeserver.requests.at(-1)?.at).toBeGreaterThanOrEqual(at + 10_000);
  });

  test('a refresh comes too late when an attempt may have had an effect', async () => {
    const gateway = await Gateway.started();
    const { refresh } = await gateway.schedule();
    gateway.homeserver.faults.push(lost);
    await gateway.time.advance(1_100);
    expect(await gateway.use(refresh)).toBe('gone');
  });

  test('a commit that fails when the event is in the room is made again, and the event is not', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push({ kind: 'slow', carried: 0.01, answered: 0.1 });
    await gateway.time.advance(2_000);
    gateway.failCommits(3);
    await gateway.time.advance(10_000);
    expect(gateway.homeserver.requests).toHaveLength(1);
    expect((await gateway.node.store.find(1))?.future.outcome?.kind).toBe('sent');
  });
});

describe('what is asked just before an attempt', () => {
  test('nothing is sent for an account that may not act any more', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule();
    gateway.homeserver.deactivated.add(alice);
    await gateway.time.advance(minute);
    expect(gateway.homeserver.requests).toEqual([]);
    expect((await gateway.node.store.find(1))?.future.outcome).toMatchObject({
      kind: 'failed',
      error: { status: 403 },
    });
  });

  test('state that is newer than the fence ends the future, though nobody was told of it', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule({ draft: draft({ stateKey: 'x' }) });
    const newer = draft({ stateKey: 'x', content: { n: 'newer' } });
    gateway.rooms.add(gateway.rooms.judge(newer, 0, null, 0));
    await gateway.time.advance(minute);
    expect(gateway.events()).toEqual(['newer']);
    expect((await gateway.node.store.find(1))?.future.outcome).toMatchObject({
      kind: 'cancelled',
      reason: 'state',
    });
  });

  test('the fence itself ends nothing', async () => {
    const gateway = await Gateway.started();
    const before = draft({ stateKey: 'x', content: { n: 'before' } });
    gateway.rooms.add(gateway.rooms.judge(before, 0, null, 0));
    await gateway.schedule({ draft: draft({ stateKey: 'x', content: { n: 1 } }) });
    await gateway.time.advance(minute);
    expect(gateway.events()).toEqual(['before', 1]);
  });

  test('a homeserver that cannot be asked: a timer goes on later, a send by hand is answered and the future stays', async () => {
    const gateway = await Gateway.started();
    const { send } = await gateway.schedule({ content: { n: 1 }, timeout: minute });
    gateway.homeserver.mute = 1;
    expect(await gateway.answer(gateway.node.futures.use(send))).toMatchObject({
      kind: 'refused',
      error: { status: 502 },
    });
    expect(await gateway.use(send)).toBe('done');
    await gateway.schedule({ content: { n: 2 } });
    gateway.homeserver.mute = 2;
    await gateway.time.advance(minute);
    expect(gateway.events()).toEqual([1, 2]);
  });

  test('two sends for one state key are not under way together', async () => {
    const gateway = await Gateway.started();
    const state = draft({ stateKey: 'x', content: { n: 1 } });
    const first = await gateway.schedule({ draft: state, timeout: minute, generation: 'delayed-events' });
    const second = await gateway.schedule({ draft: state, timeout: minute, generation: 'delayed-events' });
    gateway.homeserver.faults.push({ kind: 'slow', carried: 0.01, answered: 0.1 });
    const slow = gateway.node.futures.use(first.send);
    await gateway.time.advance(10);
    const next = gateway.node.futures.use(second.send);
    await gateway.time.advance(1_000);
    expect(gateway.homeserver.requests).toHaveLength(1);
    expect(await gateway.answer(slow, 10_000)).toEqual({ kind: 'done' });
    expect(await gateway.answer(next)).toEqual({ kind: 'done' });
  });
});

describe('a fence that cannot be read', () => {
  test('scheduling is refused as a whole: nothing is promised that new state could not end', async () => {
    const gateway = await Gateway.started();
    gateway.homeserver.mute = 1;
    const asked = gateway.schedule({ draft: draft({ stateKey: 'x' }) });
    await expect(asked).rejects.toBeInstanceOf(HomeserverUnavailable);
    expect(await gateway.node.futures.list(alice)).toEqual([]);
    await gateway.schedule({ draft: draft({ stateKey: 'x' }) });
    expect(await gateway.node.futures.list(alice)).toHaveLength(1);
  });
});

describe('a look', () => {
  test('is told what was sent, when it may have been, and what was there before', async () => {
    const gateway = await Gateway.started();
    const before = gateway.rooms.judge(draft({ stateKey: 'x', content: { n: 'before' } }), 0, null, 0);
    gateway.rooms.add(before);
    const state = draft({ stateKey: 'x', content: { n: 1 } });
    await gateway.schedule({ draft: state, generation: 'delay-parameter' });
    const due = gateway.node.clock.wall() + 1_000;
    gateway.homeserver.faults.push(lost);
    await gateway.time.advance(2 * minute);
    const [sent] = gateway.homeserver.looked;
    expect(sent).toMatchObject({ draft: state, fence: { kind: 'event', event: before.event } });
    expect(sent?.timestamp).toBeGreaterThanOrEqual(due - 5);
    expect(sent?.timestamp).toBeLessThanOrEqual(due);
    expect(sent?.since).toBeGreaterThanOrEqual(due - 5);
    expect(sent?.since).toBeLessThanOrEqual(due + 5);
    expect(sent?.transactionId).toBe(gateway.homeserver.requests[0]?.transaction);
    expect(gateway.rooms.log.at(-1)?.timestamp).toBe(sent?.timestamp);
  });

  test('of a message has no fence; of a send_now it is what its batch found on the key', async () => {
    const gateway = await Gateway.started('forgets');
    const now = draft({ stateKey: 'x', content: { n: 'join' } });
    gateway.homeserver.faults.push(lost, lost);
    const answer = gateway.answer(gateway.node.futures.scheduleBatch(batch({ sendNow: now })), minute);
    await gateway.schedule({ draft: draft({ room: '!b', content: { n: 1 } }) });
    expect(await answer).toEqual({ kind: 'undecided' });
    const leave = draft({ stateKey: 'y', content: { n: 'leave' } });
    const other = batch({ sendNow: draft({ stateKey: 'y' }), sendOnTimeout: leave, scope: 'other' });
    gateway.homeserver.faults.push(lost);
    void gateway.node.futures.scheduleBatch(other);
    await gateway.time.advance(3 * minute);
    const fences = new Map(
      gateway.homeserver.looked.map(({ draft: { stateKey }, fence }) => [stateKey, fence.kind]),
    );
    expect(fences).toEqual(
      new Map([
        [null, 'untold'],
        ['x', 'unreadable'],
        ['y', 'absent'],
      ]),
    );
  });

  test('is believed as soon as the last request is said to be dead', async () => {
    const gateway = await Gateway.started('forgets');
    await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push({ kind: 'server-error', carried: 0.05, told: true });
    await gateway.time.advance(1_000 + 2_990);
    expect(gateway.homeserver.looked).toHaveLength(1);
    await gateway.time.advance(100);
    expect(gateway.homeserver.looked).toHaveLength(2);
    expect(gateway.homeserver.requests).toHaveLength(1);
    expect(gateway.events()).toEqual([1]);
  });
});

describe('what events carry as their time', () => {
  test('no two of one sender, room and type have the same, though they were due together', async () => {
    const gateway = await Gateway.started();
    for (const n of [1, 2, 3])
      await gateway.schedule({ content: { n }, groupName: `g${n}`, generation: 'delay-parameter' });
    await gateway.schedule({ draft: draft({ content: { n: 4 }, extras: { ts: 77 } }) });
    await gateway.time.advance(minute);
    const times = gateway.rooms.log.map(({ timestamp }) => timestamp);
    expect(new Set(times).size).toBe(4);
    expect(times).toContain(77);
  });

  test('not after a restart either', async () => {
    const gateway = await Gateway.started('forgets');
    for (const n of [1, 2]) await gateway.schedule({ content: { n }, generation: 'delay-parameter' });
    gateway.homeserver.faults.push(lostAnswer);
    await gateway.time.advance(1_010);
    await gateway.restart();
    await gateway.time.advance(5 * minute);
    const [first, second] = gateway.rooms.log;
    expect(gateway.events()).toEqual([1, 2]);
    expect(second?.timestamp).not.toBe(first?.timestamp);
  });
});

describe('a send by hand in front of a remote homeserver', () => {
  test('the event is in the room when it is answered, and every token of the group is used up', async () => {
    const gateway = await Gateway.started();
    const leave = await gateway.schedule({ groupName: 'g', content: { n: 1 } });
    const action = await gateway.schedule({
      groupName: 'g',
      timeout: null,
      draft: draft({ content: { n: 2 } }),
    });
    expect(await gateway.use(action.send)).toBe('done');
    expect(gateway.events()).toEqual([2]);
    for (const token of [leave.send, leave.refresh, leave.cancel, action.send, action.cancel])
      expect(await gateway.use(token)).toBe('gone');
  });

  test.each([
    ['refused', refuse, 403],
    ['429', { kind: 'busy', retryAfter: 1_000 } as const, 429],
    ['not reached', down, 502],
  ])('%s: the error is answered, and the future is as it was', async (_, fault, status) => {
    const gateway = await Gateway.started();
    const { send, refresh } = await gateway.schedule({ content: { n: 1 }, timeout: minute });
    gateway.homeserver.faults.push(fault);
    expect(await gateway.answer(gateway.node.futures.use(send))).toMatchObject({
      kind: 'refused',
      error: { status },
    });
    await gateway.time.advance(minute / 2);
    expect(gateway.homeserver.requests).toHaveLength(1);
    expect(await gateway.use(refresh)).toBe('done');
    expect(await gateway.use(send)).toBe('done');
    expect(gateway.events()).toEqual([1]);
  });

  test('of unknown outcome: answered as undecided, and it goes on behind', async () => {
    const gateway = await Gateway.started();
    const { send } = await gateway.schedule({ content: { n: 1 }, timeout: 10 * minute });
    gateway.homeserver.faults.push(broken);
    expect(await gateway.use(send)).toBe('undecided');
    await gateway.time.advance(minute);
    expect(gateway.events()).toEqual([1]);
    expect(await gateway.use(send)).toBe('gone');
  });

  test('the same send again joins the one that is under way', async () => {
    const gateway = await Gateway.started();
    const { send } = await gateway.schedule({ content: { n: 1 }, timeout: minute });
    gateway.homeserver.faults.push({ kind: 'slow', carried: 0.01, answered: 0.1 });
    const both = Promise.all([gateway.node.futures.use(send), gateway.node.futures.use(send)]);
    expect(await gateway.answer(both, 5_000)).toEqual([{ kind: 'done' }, { kind: 'done' }]);
    expect(gateway.homeserver.requests).toHaveLength(1);
  });

  test('who joins a timer that is backing off waits 10 seconds, not for as long as it takes', async () => {
    const gateway = await Gateway.started();
    const { send } = await gateway.schedule();
    gateway.homeserver.faults.push({ kind: 'busy', retryAfter: 5 * minute });
    await gateway.time.advance(1_100);
    const began = gateway.time.now();
    expect(await gateway.use(send, minute)).toBe('undecided');
    expect(gateway.time.now() - began).toBeLessThan(10_010);
  });

  test('of another future of the group waits: gone when that is in the room', async () => {
    const gateway = await Gateway.started();
    const leave = await gateway.schedule({ groupName: 'g', timeout: minute, content: { n: 1 } });
    const action = await gateway.schedule({ groupName: 'g', timeout: null });
    gateway.homeserver.faults.push({ kind: 'slow', carried: 0.01, answered: 0.1 });
    const first = gateway.node.futures.use(leave.send);
    await gateway.time.advance(10);
    expect(await gateway.use(action.send, 5_000)).toBe('gone');
    expect(await gateway.answer(first)).toEqual({ kind: 'done' });
    expect(gateway.events()).toEqual([1]);
  });

  test('of another future of the group proceeds when the first was refused', async () => {
    const gateway = await Gateway.started();
    const leave = await gateway.schedule({ groupName: 'g', timeout: minute, content: { n: 1 } });
    const action = await gateway.schedule({
      groupName: 'g',
      timeout: null,
      draft: draft({ content: { n: 2 } }),
    });
    gateway.homeserver.faults.push(refuse);
    const both = Promise.all([gateway.node.futures.use(leave.send), gateway.node.futures.use(action.send)]);
    expect((await gateway.answer(both)).map(({ kind }) => kind)).toEqual(['refused', 'done']);
    expect(gateway.events()).toEqual([2]);
  });

  test('of another future of the group is busy after 10 seconds of not knowing', async () => {
    const gateway = await Gateway.started();
    const leave = await gateway.schedule({ groupName: 'g', timeout: minute });
    const action = await gateway.schedule({ groupName: 'g', timeout: null });
    gateway.homeserver.faults.push(lost);
    void gateway.node.futures.use(leave.send);
    await gateway.time.advance(10);
    const began = gateway.time.now();
    expect(await gateway.use(action.send, minute)).toBe('busy');
    expect(gateway.time.now() - began).toBeGreaterThanOrEqual(9_999);
    expect(gateway.time.now() - began).toBeLessThan(10_010);
  });
});

describe('a cancel of what is on its way', () => {
  test('is done at once while no attempt can have had an effect', async () => {
    const gateway = await Gateway.started();
    const { cancel } = await gateway.schedule();
    gateway.homeserver.faults.push({ kind: 'busy', retryAfter: 5_000 });
    await gateway.time.advance(1_100);
    expect(await gateway.use(cancel)).toBe('done');
    await gateway.time.advance(minute);
    expect(gateway.events()).toEqual([]);
  });

  const underWay = async (answered: number, fault: 'slow' | 'refuse-late') => {
    const gateway = await Gateway.started();
    const { cancel } = await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push({ kind: 'slow', carried: answered / 2, answered });
    if (fault === 'refuse-late') gateway.rooms.powerless.add(alice);
    await gateway.time.advance(1_100);
    return { gateway, cancel };
  };

  test('waits: gone when the event turns out to be in the room', async () => {
    const { gateway, cancel } = await underWay(0.2, 'slow');
    expect(await gateway.use(cancel, minute)).toBe('gone');
    expect(gateway.events()).toEqual([1]);
  });

  test('waits: done when it turns out not to be in the room', async () => {
    const { gateway, cancel } = await underWay(0.2, 'refuse-late');
    expect(await gateway.use(cancel, minute)).toBe('done');
    expect((await gateway.node.store.find(1))?.future.outcome).toMatchObject({
      kind: 'cancelled',
      reason: 'token',
    });
  });

  test('waits for the look, and not for the pause between two attempts', async () => {
    const gateway = await Gateway.started();
    const { cancel } = await gateway.schedule();
    const failure = { kind: 'server-error', carried: null, told: true } as const;
    gateway.homeserver.faults.push(...Array.from({ length: 9 }, () => failure));
    // Pauses have doubled: the next attempt is half a minute away.
    await gateway.time.advance(1_000 + 33_000);
    expect(gateway.homeserver.requests).toHaveLength(7);
    expect(await gateway.use(cancel, 100)).toBe('done');
    expect(gateway.homeserver.requests).toHaveLength(7);
  });

  test('waits 10 seconds at most, then busy; never sent again, and cancelled when a look finds nothing', async () => {
    const gateway = await Gateway.started();
    const { cancel } = await gateway.schedule();
    gateway.homeserver.faults.push(lost);
    await gateway.time.advance(1_100);
    const began = gateway.time.now();
    expect(await gateway.use(cancel, minute)).toBe('busy');
    expect(gateway.time.now() - began).toBeLessThan(10_010);
    await gateway.time.advance(3 * minute);
    expect(gateway.homeserver.requests).toHaveLength(1);
    expect(gateway.homeserver.looked).toHaveLength(2);
    expect((await gateway.node.store.find(1))?.future.outcome).toMatchObject({
      kind: 'cancelled',
      reason: 'token',
    });
  });
});

describe('the order in a room', () => {
  test('what is due together in a room is sent one after the other, by deadline', async () => {
    const gateway = await Gateway.started();
    for (const n of [3, 1, 2]) await gateway.schedule({ content: { n }, timeout: 1_000 + n });
    gateway.homeserver.faults.push({ kind: 'slow', carried: 0.1, answered: 0.2 });
    await gateway.time.advance(1_010 + 3_000);
    expect(gateway.homeserver.requests).toHaveLength(1);
    await gateway.time.advance(10_000);
    expect(gateway.events()).toEqual([1, 2, 3]);
  });

  test('rooms do not wait for one another, however many events wait in one of them', async () => {
    const gateway = await Gateway.started();
    for (let n = 0; n < 40; n += 1) await gateway.schedule({ content: { n: 'stuck' } });
    await gateway.schedule({ draft: draft({ room: '!b', content: { n: 'other' } }), timeout: 1_500 });
    await gateway.schedule({ draft: draft({ room: '!c', content: { n: 'later' } }), timeout: 5_000 });
    gateway.homeserver.faults.push({ kind: 'busy', retryAfter: 20_000 });
    await gateway.time.advance(1_650);
    expect(gateway.events()).toEqual(['other']);
    await gateway.time.advance(3_500);
    expect(gateway.events()).toEqual(['other', 'later']);
  });

  test('a poisoned event leaves the queue after 5 attempts', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule({ content: { n: 'poisoned' } });
    await gateway.schedule({ content: { n: 'next' }, timeout: 1_001 });
    gateway.homeserver.faults.push(broken, broken, broken, broken);
    await gateway.time.advance(1_000 + 7_000);
    expect(gateway.homeserver.requests).toHaveLength(4);
    gateway.homeserver.faults.push(broken);
    await gateway.time.advance(2_000);
    expect(gateway.events()).toEqual(['next']);
    await gateway.time.advance(minute);
    expect(gateway.events()).toEqual(['next', 'poisoned']);
  });

  test('a poisoned event that is looked for after each attempt leaves the queue as soon', async () => {
    const gateway = await Gateway.started('forgets');
    await gateway.schedule({ content: { n: 'poisoned' } });
    await gateway.schedule({ content: { n: 'next' }, timeout: 1_001 });
    gateway.homeserver.faults.push(failed, failed, { ...failed, carried: 0.5 });
    await gateway.time.advance(10_000);
    expect(gateway.events()).toEqual(['next']);
    await gateway.time.advance(minute);
    expect(gateway.events()).toEqual(['next', 'poisoned']);
  });

  test('an event that can only be looked for, and never found out about, leaves the queue as well', async () => {
    const gateway = await Gateway.started('forgets');
    await gateway.schedule({ content: { n: 'poisoned' } });
    gateway.homeserver.faults.push(lost);
    await gateway.time.advance(minute);
    await gateway.schedule({ draft: draft({ content: { n: 'next' } }) });
    gateway.homeserver.mute = 4;
    await gateway.time.advance(2 * minute);
    expect(gateway.events()).toContain('next');
  });

  test('no more deliveries of timers than the bound are under way', async () => {
    const gateway = await Gateway.started('durable', { concurrency: 3 });
    for (let n = 0; n < 10; n += 1)
      await gateway.schedule({ draft: draft({ room: `!${n}`, content: { n } }) });
    const slow = { kind: 'slow', carried: 0.1, answered: 0.2 } as const;
    gateway.homeserver.faults.push(slow, slow, slow);
    await gateway.time.advance(1_000 + 3_000);
    expect(gateway.homeserver.requests).toHaveLength(3);
    await gateway.time.advance(20_000);
    expect(gateway.events()).toHaveLength(10);
  });

  test('as many poisoned events as the bound stop nobody for longer than their five attempts', async () => {
    const gateway = await Gateway.started('durable', { concurrency: 2 });
    for (const room of ['!x', '!y']) await gateway.schedule({ draft: draft({ room }) });
    await gateway.schedule({ draft: draft({ content: { n: 'other' } }), timeout: 1_100 });
    gateway.homeserver.faults.push(...Array.from({ length: 10 }, () => broken));
    await gateway.time.advance(20_000);
    expect(gateway.events()).toContain('other');
  });
});

describe('what one user sends', () => {
  const carols = (n: number) => ({
    owner: '@carol:s',
    draft: draft({ room: `!carol${n}`, sender: '@carol:s', content: { n: `carol ${n}` } }),
  });

  test('and the homeserver never answers about, does not keep others waiting for longer than five tries', async () => {
    const gateway = await Gateway.started('durable', { concurrency: 3 });
    gateway.homeserver.silentAbout.add('@carol:s');
    for (let n = 0; n < 3; n += 1) await gateway.schedule(carols(n));
    await gateway.schedule({ content: { n: 'other' }, timeout: 1_100 });
    await gateway.time.advance(10_000);
    expect(gateway.events()).toEqual(['other']);
    gateway.homeserver.silentAbout.clear();
    await gateway.time.advance(2 * minute);
    expect(gateway.events().toSorted()).toEqual(['carol 0', 'carol 1', 'carol 2', 'other']);
  });

  test('takes some of the places only, so that others need not wait for it at all', async () => {
    const gateway = await Gateway.started('durable', { concurrency: 4, perOwner: 3 });
    for (let n = 0; n < 40; n += 1) await gateway.schedule(carols(n));
    await gateway.schedule({ content: { n: 'other' }, timeout: 1_100 });
    const slow = { kind: 'slow', carried: 0.1, answered: 0.9 } as const;
    gateway.homeserver.faults.push(slow, slow, slow);
    await gateway.time.advance(2_000);
    expect(gateway.homeserver.requests).toHaveLength(4);
    expect(gateway.events()).toEqual(['other']);
    await gateway.time.advance(2 * minute);
    expect(gateway.events()).toHaveLength(41);
  });
});

describe('a state key that somebody holds', () => {
  const key = { room: '!a', type: 'm.test', key: 'x' };
  const state = { draft: draft({ stateKey: 'x', content: { n: 'state' } }) };

  test('is had as soon as it is given back', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule(state);
    await gateway.time.advance(900);
    const lock = await gateway.node.store.lockState(key, minute);
    await gateway.time.advance(2_000);
    expect(gateway.events()).toEqual([]);
    await lock?.[Symbol.asyncDispose]();
    await gateway.time.advance(30);
    expect(gateway.events()).toEqual(['state']);
  });

  test('for longer than 10 s is told to whoever sends by hand: the future is as it was', async () => {
    const gateway = await Gateway.started();
    const { send } = await gateway.schedule({ ...state, timeout: minute });
    const lock = await gateway.node.store.lockState(key, minute);
    expect(await gateway.answer(gateway.node.futures.use(send), 10_100)).toMatchObject({
      kind: 'refused',
      error: { status: 503 },
    });
    await lock?.[Symbol.asyncDispose]();
    expect(await gateway.use(send)).toBe('done');
  });
});

test('what waits for its room is read once, not whenever an earlier one was sent', async () => {
  const gateway = await Gateway.started('durable');
  for (let n = 0; n < 60; n += 1) await gateway.schedule({ content: { n }, timeout: 5_000 - n });
  const { store } = gateway.node;
  const changeDue = store.changeDue.bind(store);
  let offered = 0;
  store.changeDue = (limit, decide, passOver) =>
    changeDue(
      limit,
      (group, due, world) => {
        offered += 1;
        return decide(group, due, world);
      },
      passOver,
    );
  await gateway.time.advance(minute);
  expect(gateway.events()).toEqual(Array.from({ length: 60 }, (_, index) => 59 - index));
  expect(offered).toBeLessThan(3 * 60);
});

describe('a claim that is called off', () => {
  const busy = { kind: 'busy', retryAfter: 50_000 } as const;

  test.each(['refresh', 'cancel'] as const)('by a %s no longer holds up its room', async (use) => {
    const gateway = await Gateway.started();
    const tokens = await gateway.schedule({ content: { n: 'first' }, timeout: 10_000 });
    await gateway.schedule({ content: { n: 'next' }, timeout: 10_001 });
    gateway.homeserver.faults.push(busy);
    await gateway.time.advance(12_000);
    expect(gateway.events()).toEqual([]);
    expect(await gateway.use(tokens[use])).toBe('done');
    await gateway.time.advance(200);
    expect(gateway.events()).toEqual(['next']);
  });

  test('by new state no longer holds up its room', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule({ draft: draft({ stateKey: 'x' }) });
    await gateway.schedule({ content: { n: 'next' }, timeout: 1_001 });
    gateway.homeserver.faults.push(busy);
    await gateway.time.advance(2_000);
    expect(gateway.events()).toEqual([]);
    await gateway.node.futures.stateArrived({ room: '!a', type: 'm.test', key: 'x' }, '$new', '@bob:s');
    await gateway.time.advance(1_200);
    expect(gateway.events()).toEqual(['next']);
    expect((await gateway.node.store.find(1))?.future.outcome).toMatchObject({ reason: 'state' });
  });

  test('while its attempt was under way, which turns out not to have been taken, is so at once', async () => {
    const gateway = await Gateway.started();
    const { cancel } = await gateway.schedule();
    gateway.homeserver.faults.push(busy);
    await gateway.time.advance(1_000);
    while (gateway.homeserver.requests.length === 0) await gateway.time.advance(0.1);
    const began = gateway.time.now();
    expect(await gateway.use(cancel)).toBe('done');
    expect(gateway.time.now() - began).toBeLessThan(5);
    await gateway.time.advance(2 * minute);
    expect(gateway.events()).toEqual([]);
  });
});

describe('a homeserver that is away', () => {
  test('is not asked before its pause is over, unless it says that it is back', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push(...Array.from({ length: 7 }, () => down));
    await gateway.time.advance(1_000 + 40_000);
    expect(gateway.homeserver.requests).toHaveLength(7);
    gateway.homeserver.isBack();
    await gateway.time.advance(10);
    expect(gateway.events()).toEqual([1]);
  });

  test('may say that it is back, and is not asked before the time it named itself', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule();
    gateway.homeserver.faults.push({ kind: 'busy', retryAfter: 30_000 });
    await gateway.time.advance(10_000);
    gateway.homeserver.isBack();
    await gateway.time.advance(19_000);
    expect(gateway.homeserver.requests).toHaveLength(1);
  });

  test('that says so over and over, and takes nothing, is not asked without a pause', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule();
    gateway.homeserver.faults.push(...Array.from({ length: 1_000 }, () => down));
    for (let times = 0; times < 500; times += 1) {
      await gateway.time.advance(100);
      gateway.homeserver.isBack();
    }
    expect(gateway.homeserver.requests.length).toBeLessThan(20);
  });

  test.each<[string, (homeserver: RemoteDouble) => void]>([
    ['questions', (homeserver) => (homeserver.mute = Infinity)],
    ['requests', ({ faults }) => void faults.push(...Array.from({ length: 1_000 }, () => down))],
  ])('for %s: no event leaves the queue of its room, and no more are claimed', async (_, goAway) => {
    const gateway = await Gateway.started('durable', { concurrency: 3 });
    for (let n = 0; n < 20; n += 1)
      await gateway.schedule({ draft: draft({ room: `!${n % 10}`, content: { n } }), timeout: 1_000 + n });
    goAway(gateway.homeserver);
    await gateway.time.advance(20 * minute);
    expect(await gateway.node.store.claimed()).toHaveLength(3);
    gateway.homeserver.mute = 0;
    gateway.homeserver.faults.length = 0;
    gateway.homeserver.isBack();
    await gateway.time.advance(5_000);
    const inRoom = (room: number) => gateway.events().filter((n) => typeof n === 'number' && n % 10 === room);
    for (let room = 0; room < 10; room += 1) expect(inRoom(room)).toEqual([room, room + 10]);
  });

  test('for one event alone, for an hour: then the later ones of its room are sent', async () => {
    const gateway = await Gateway.started();
    gateway.homeserver.silentAbout.add('@bob:s');
    await gateway.schedule({ owner: '@bob:s', draft: draft({ sender: '@bob:s' }) });
    await gateway.schedule({ content: { n: 'next' }, timeout: 1_001 });
    await gateway.time.advance(50 * minute);
    expect(gateway.events()).toEqual([]);
    await gateway.time.advance(20 * minute);
    expect(gateway.events()).toEqual(['next']);
  });
});

describe('the line in front of a homeserver', () => {
  const slow = { kind: 'slow', carried: 0.1, answered: 0.2 } as const;

  test('holds those, too, that left the queue of their room', async () => {
    const gateway = await Gateway.started('durable', { concurrency: 2, attemptsInQueue: 1 });
    for (let n = 0; n < 10; n += 1)
      await gateway.schedule({ draft: draft({ room: `!${n}`, content: { n } }), timeout: 1_000 + 10 * n });
    gateway.homeserver.faults.push(...Array.from({ length: 10 }, () => slow));
    await gateway.time.advance(1_000 + 5_900);
    expect(gateway.homeserver.requests).toHaveLength(2);
    await gateway.time.advance(6_000);
    expect(gateway.homeserver.requests).toHaveLength(4);
    await gateway.time.advance(minute);
    expect(gateway.events()).toHaveLength(10);
  });

  test('lets sends by hand go first, but no more of them at once', async () => {
    const gateway = await Gateway.started('durable', { concurrency: 2, attemptsInQueue: 1 });
    for (let n = 0; n < 4; n += 1)
      await gateway.schedule({ draft: draft({ room: `!${n}`, content: { n } }), timeout: 1_000 + 10 * n });
    const byHand = await Promise.all(
      ['a', 'b'].map((n) =>
        gateway.schedule({ draft: draft({ room: `!${n}`, content: { n } }), timeout: minute }),
      ),
    );
    gateway.homeserver.faults.push(...Array.from({ length: 6 }, () => slow));
    await gateway.time.advance(2_000);
    const sent = Promise.all(byHand.map(({ send }) => gateway.node.futures.use(send)));
    await gateway.time.advance(6_000);
    expect(gateway.homeserver.requests.map(({ draft: { content } }) => content['n'])).toEqual([
      0,
      1,
      'a',
      'b',
    ]);
    await gateway.time.advance(minute);
    expect((await sent).map(({ kind }) => kind)).toEqual(['done', 'done']);
    expect(gateway.events()).toEqual([0, 1, 'a', 'b', 2, 3]);
  });

  test('gives a send by hand back that has waited for 10 seconds: the future is as it was', async () => {
    const gateway = await Gateway.started('durable', { concurrency: 1 });
    await gateway.schedule({ content: { n: 1 } });
    const { send, refresh } = await gateway.schedule({
      draft: draft({ room: '!b', content: { n: 2 } }),
      timeout: 10 * minute,
    });
    gateway.homeserver.faults.push({ kind: 'slow', carried: 0.1, answered: 0.9 });
    await gateway.time.advance(1_100);
    const began = gateway.time.now();
    expect(await gateway.answer(gateway.node.futures.use(send), minute)).toMatchObject({
      kind: 'refused',
      error: { status: 503 },
    });
    expect(gateway.time.now() - began).toBeLessThan(10_010);
    expect(await gateway.use(refresh)).toBe('done');
    await gateway.time.advance(minute);
    expect(await gateway.use(send)).toBe('done');
    expect(gateway.events()).toEqual([1, 2]);
  });
});

describe('the first attempt of a claim', () => {
  test('whose commit fails is not made, though another claim of the group follows', async () => {
    const gateway = await Gateway.started();
    const { send } = await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.questionTime = 400;
    gateway.homeserver.faults.push({ kind: 'slow', carried: 0.01, answered: 0.1 });
    await gateway.time.advance(990);
    gateway.failCommits(1);
    await gateway.time.advance(50);
    expect(await gateway.use(send, minute)).toBe('done');
    expect(gateway.homeserver.requests).toHaveLength(1);
    expect(gateway.events()).toEqual([1]);
  });
});

describe('stopping and starting again', () => {
  test('stop begins nothing more and waits for what is under way', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule({ content: { n: 1 } });
    await gateway.schedule({ content: { n: 2 } });
    gateway.homeserver.faults.push({ kind: 'slow', carried: 0.1, answered: 0.2 });
    await gateway.time.advance(1_100);
    let stopped = false;
    void gateway.node.futures.stop().then(() => (stopped = true));
    await gateway.time.advance(1_000);
    expect(stopped).toBe(false);
    await gateway.time.advance(10_000);
    expect(stopped).toBe(true);
    expect(gateway.events()).toEqual([1]);
  });

  test('stop gives back what certainly had no effect, so that a start sends it without looking for it', async () => {
    const gateway = await Gateway.started('forgets');
    const { refresh } = await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push(down, down, down, down);
    await gateway.time.advance(7_000);
    await gateway.answer(gateway.node.futures.stop());
    expect(await gateway.node.store.claimed()).toEqual([]);
    await gateway.restart();
    await gateway.time.advance(20);
    expect(gateway.events()).toEqual([1]);
    expect(gateway.homeserver.looked).toEqual([]);
    expect(await gateway.use(refresh)).toBe('gone');
  });

  test('a claim is taken up after a restart: the same request again where the homeserver remembers', async () => {
    const gateway = await Gateway.started();
    const { cancel } = await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push({ kind: 'lost', carried: 0.000_1 });
    await gateway.time.advance(1_010);
    await gateway.restart();
    await gateway.time.advance(10);
    expect(gateway.events()).toEqual([1]);
    expect(new Set(gateway.homeserver.requests.map(({ transaction }) => transaction)).size).toBe(1);
    expect(gateway.homeserver.requests).toHaveLength(2);
    expect(await gateway.use(cancel)).toBe('gone');
  });

  test('a claim is taken up after a restart: made again no sooner than a request can live, and if a look finds nothing then, where it forgets', async () => {
    const gateway = await Gateway.started('forgets');
    await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push({ kind: 'lost', carried: 0.99 });
    await gateway.time.advance(1_010);
    await gateway.restart();
    gateway.homeserver.forget();
    await gateway.time.advance(59_000);
    expect(gateway.homeserver.requests).toHaveLength(1);
    await gateway.time.advance(5 * minute);
    expect(gateway.homeserver.requests).toHaveLength(1);
    expect(gateway.events()).toEqual([1]);
  });

  test('starting again after a failed start takes nothing up twice', async () => {
    const gateway = await Gateway.started();
    for (const room of ['!a', '!b']) await gateway.schedule({ draft: draft({ room }) });
    gateway.homeserver.faults.push(lost, lost);
    await gateway.time.advance(1_010);
    await gateway.restart();
    await gateway.node.futures.start();
    await gateway.time.advance(minute);
    expect(gateway.homeserver.requests).toHaveLength(4);
  });
});

describe('two nodes on one store', () => {
  test('what a node leaves is taken over after its lease and one request limit, and not before', async () => {
    const gateway = await Gateway.started();
    const { cancel } = await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push(lost);
    const other = await gateway.second();
    await gateway.time.advance(1_010);
    const holder = gateway.homeserver.requests[0]?.at ?? 0;
    gateway.node.kill();
    await gateway.time.advance(holder + 120_000 + 30_000 - 50 - gateway.time.now());
    expect(gateway.homeserver.requests).toHaveLength(1);
    await gateway.time.advance(2_000);
    expect(gateway.events()).toEqual([1]);
    expect(await gateway.answer(other.futures.use(cancel))).toEqual({ kind: 'gone' });
  });

  test('a group that was taken over never reopens: refused, it ends with its name used up', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule({ groupName: 'g' });
    await gateway.schedule({ groupName: 'g', timeout: 10 * minute });
    gateway.homeserver.faults.push({ kind: 'lost', carried: null });
    const other = await gateway.second();
    await gateway.time.advance(1_010);
    gateway.node.kill();
    gateway.homeserver.deactivated.add(alice);
    await gateway.time.advance(2 * day);
    expect((await other.store.find(1))?.group.phase).toBe('sent');
    expect(gateway.events()).toEqual([]);
  });

  test('a node that is alive keeps its claims, however long they wait', async () => {
    const gateway = await Gateway.started();
    await gateway.schedule({ content: { n: 1 } });
    gateway.homeserver.faults.push({ kind: 'busy', retryAfter: 20 * minute });
    const other = await gateway.second();
    await gateway.time.advance(15 * minute);
    const [claimed] = await other.store.claimed();
    expect(claimed?.claim).toMatchObject({ node: 'single', taken: false });
    expect(gateway.homeserver.requests).toHaveLength(1);
    await gateway.time.advance(6 * minute);
    expect(gateway.events()).toEqual([1]);
    expect(gateway.homeserver.requests).toHaveLength(2);
  });

  test('a batch that another node is delivering is not delivered here: undecided', async () => {
    const gateway = await Gateway.started();
    const other = await gateway.second();
    gateway.homeserver.faults.push(lost);
    void gateway.node.futures.scheduleBatch(batch());
    await gateway.time.advance(10);
    expect(await gateway.answer(other.futures.scheduleBatch(batch()), minute)).toEqual({ kind: 'undecided' });
    expect(gateway.homeserver.requests).toHaveLength(1);
  });
});

function batch(change: Partial<BatchRequest> = {}): BatchRequest {
  return {
    owner: alice,
    timeout: 5_000,
    sendOnTimeout: draft({ content: { n: 'leave', ref: '$m.send_now.event_id' } }),
    sendOnAction: new Map([['hang up', draft({ content: { n: 'action' } })]]),
    sendNow: draft({ content: { n: 'join' } }),
    scope: 'transaction',
    ...change,
  };
}

describe('a batch in front of a remote homeserver', () => {
  test('accepted: its futures are in force from then on, with the event id where it stands in their contents', async () => {
    const gateway = await Gateway.started();
    const answer = await gateway.answer(gateway.node.futures.scheduleBatch(batch()));
    expect(answer).toMatchObject({ kind: 'scheduled', sendNow: gateway.rooms.log[0]?.event });
    await gateway.time.advance(4_990);
    expect(gateway.events()).toEqual(['join']);
    await gateway.time.advance(100);
    expect(gateway.events()).toEqual(['join', 'leave']);
    expect(gateway.rooms.log[1]?.draft.content['ref']).toBe(gateway.rooms.log[0]?.event);
  });

  test.each([
    ['refused', refuse, 403],
    ['not taken', down, 502],
  ])('%s: nothing is left of it', async (_, fault, status) => {
    const gateway = await Gateway.started();
    gateway.homeserver.faults.push(fault);
    const answer = gateway.node.futures.scheduleBatch(batch());
    expect(await gateway.answer(answer)).toMatchObject({ kind: 'refused', error: { status } });
    expect(await gateway.node.futures.list(alice)).toEqual([]);
    await gateway.time.advance(minute);
    expect(gateway.events()).toEqual([]);
  });

  test('of unknown outcome: undecided, finished behind, and the same transaction joins it', async () => {
    const gateway = await Gateway.started();
    gateway.homeserver.faults.push(lostAnswer);
    const once = () =>
      gateway.node.futures.once(
        'transaction',
        (before) => before,
        () => gateway.node.futures.scheduleBatch(batch()),
      );
    expect(await gateway.answer(once(), minute)).toEqual({ kind: 'undecided' });
    await gateway.time.advance(1_000);
    const told = await gateway.answer(once());
    expect(told).toMatchObject({ kind: 'scheduled', sendNow: gateway.rooms.log[0]?.event });
    expect(gateway.events()).toEqual(['join']);
    if (told.kind === 'scheduled') expect(await gateway.use(onlyTokens(told).refresh)).toBe('done');
  });

  test('a staged one goes on after a restart, under the same transaction', async () => {
    const gateway = await Gateway.started();
    gateway.homeserver.faults.push(lostAnswer);
    void gateway.node.futures.scheduleBatch(batch());
    await gateway.time.advance(10);
    await gateway.restart();
    await gateway.time.advance(100);
    expect(gateway.events()).toEqual(['join']);
    const again = gateway.node.futures.once(
      'transaction',
      (before) => before.kind,
      () => Promise.resolve('ran'),
    );
    expect(await gateway.answer(again)).toBe('scheduled');
  });

  test('a send_now of state that was lost is not made again over newer state', async () => {
    const gateway = await Gateway.started('forgets');
    const on = (n: string) => draft({ stateKey: 'x', content: { n } });
    const asked = batch({ sendNow: on('join'), sendOnTimeout: on('leave'), sendOnAction: new Map() });
    gateway.homeserver.faults.push(lost);
    expect(await gateway.answer(gateway.node.futures.scheduleBatch(asked), minute)).toEqual({
      kind: 'undecided',
    });
    gateway.rooms.add(gateway.rooms.judge(on('left already'), 0, null, 0));
    await gateway.time.advance(2 * minute);
    expect(gateway.homeserver.looked.length).toBeGreaterThan(0);
    expect(gateway.events()).toEqual(['left already']);
    // Nothing is left of it, so that the client may ask anew.
    expect(await gateway.answer(gateway.node.futures.scheduleBatch(asked))).toMatchObject({
      kind: 'scheduled',
    });
    expect(gateway.events()).toEqual(['left already', 'join']);
  });

  test.each<[string, readonly string[], readonly string[]]>([
    ['is not made again over what stands on its key, which may be newer', ['other'], ['other']],
    ['is made again where nothing stands on its key', [], ['now']],
  ])(
    'a send_now of state that was lost, and whose batch has nothing else on its key, %s',
    async (_, before, after) => {
      const gateway = await Gateway.started('forgets');
      const on = (key: string, n: string) => draft({ stateKey: key, content: { n } });
      for (const n of before) gateway.rooms.add(gateway.rooms.judge(on('x', n), 0, null, 0));
      gateway.homeserver.faults.push(lost);
      const asked = batch({ sendNow: on('x', 'now'), sendOnTimeout: on('y', 'leave'), timeout: 10 * minute });
      void gateway.node.futures.scheduleBatch(asked);
      await gateway.time.advance(2 * minute);
      expect(gateway.events()).toEqual(after);
      expect(await gateway.answer(gateway.node.futures.scheduleBatch(asked))).toMatchObject({
        kind: 'scheduled',
      });
      expect(gateway.events()).toEqual([...before, 'now']);
    },
  );

  test('a send_now of state is the fence of its leave on the same key, and of no other', async () => {
    const gateway = await Gateway.started();
    const on = (stateKey: string, n: string) => draft({ stateKey, content: { n } });
    await gateway.answer(
      gateway.node.futures.scheduleBatch(
        batch({ sendNow: on('x', 'join'), sendOnTimeout: on('x', 'leave'), sendOnAction: new Map() }),
      ),
    );
    await gateway.answer(
      gateway.node.futures.scheduleBatch(
        batch({
          sendNow: on('y', 'other join'),
          sendOnTimeout: on('z', 'other leave'),
          sendOnAction: new Map(),
          scope: 'other',
        }),
      ),
    );
    await gateway.time.advance(6_000);
    expect(gateway.events()).toEqual(['join', 'other join', 'leave', 'other leave']);
  });
});
