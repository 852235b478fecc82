import { describe, expect, test } from 'vitest';
import { defaultLimits, type Fence, type Future, type Generation, type NewState } from '../../src/index.ts';
import { addFuture, type NewFuture } from '../../src/rules/add.ts';
import { alive } from '../../src/rules/alive.ts';
import { beginAttempt, type Guards } from '../../src/rules/attempt.ts';
import { openStaged } from '../../src/rules/batch.ts';
import { bury } from '../../src/rules/bury.ts';
import { cancelFuture } from '../../src/rules/cancel.ts';
import { claimByHand, claimDue, isDue, resume, takeOver } from '../../src/rules/claim.ts';
import {
  accepted,
  failedWhenDue,
  gaveUp,
  givenBack,
  provedAbsent,
  refused,
} from '../../src/rules/delivered.ts';
import { refreshFuture } from '../../src/rules/refresh.ts';
import {
  actionFuture,
  afterStateBy,
  alice,
  bob,
  claimed,
  draft,
  ends,
  future,
  group,
  world,
} from './world.ts';

const claimant = { node: 'A', leaseEnd: 60_000, timestamp: 0 };
const noPower = { status: 403, errcode: 'M_FORBIDDEN', error: 'no power' };

function asked(change: Partial<NewFuture> = {}): NewFuture {
  return {
    generation: 'futures',
    draft: draft(),
    action: null,
    timeout: 1_000,
    fence: { kind: 'untold' },
    nonce: { high: 1, low: 2 },
    ...change,
  };
}

function add(
  found: Parameters<typeof addFuture>[0],
  change: Partial<NewFuture> = {},
  limits = defaultLimits,
) {
  return addFuture(found, alice, 'call', asked(change), world(), limits);
}

describe('adding', () => {
  test('a timeout future makes the group it names', () => {
    const { next, answer } = add(null);
    expect(answer.kind).toBe('added');
    expect(next).toMatchObject({
      phase: 'open',
      owner: alice,
      name: 'call',
      futures: [{ id: 99, deadline: 1_500 }],
    });
  });

  test('an action future needs a group that is open', () => {
    expect(add(null, { timeout: null }).answer).toEqual({ kind: 'conflict', why: 'no-timeout-future' });
  });

  test('an action future needs an alive timeout future in its group', () => {
    const dead = group([future(1, { draft: draft({ stateKey: 'x' }) })]);
    const { answer } = addFuture(
      dead,
      alice,
      'call',
      asked({ timeout: null }),
      world(afterStateBy(bob)),
      defaultLimits,
    );
    expect(answer).toEqual({ kind: 'conflict', why: 'no-timeout-future' });
  });

  test('an action future joins an open group', () => {
    const { next } = add(group([future(1)]), { timeout: null });
    expect(ends(next)).toEqual(['scheduled', 'scheduled']);
  });

  test.each([
    ['sent', 'already-sent'],
    ['staged', 'being-sent'],
    ['claimed', 'being-sent'],
  ] as const)('nothing joins a %s group', (phase, why) => {
    const found = phase === 'claimed' ? claimed(1, [future(1)]) : group([future(1)], { phase });
    expect(add(found).answer).toEqual({ kind: 'conflict', why });
  });

  test('a group that is over is closed first, and stays; the next one of its name is a new group', () => {
    const over = group([future(1, { draft: draft({ stateKey: 'x' }) })]);
    const { next, answer } = addFuture(over, alice, 'call', asked(), world(afterStateBy(bob)), defaultLimits);
    expect(answer).toEqual({ kind: 'closed' });
    expect(next).toMatchObject({ id: 1, phase: 'closed' });
    expect(ends(next)).toEqual(['cancelled(state)']);
    expect(add(null).next).toMatchObject({ id: 9, phase: 'open', futures: [{ id: 99 }] });
  });

  test('a deadline is rounded up to the millisecond, never down', () => {
    const { next } = addFuture(null, alice, 'call', asked(), world({ now: 500.25 }), defaultLimits);
    expect(next?.futures[0]?.deadline).toBe(1_501);
  });

  test.each([
    ['pendingPerUser', { pending: 1_000 }],
    ['contentBytesPerUser', { contentBytes: defaultLimits.contentBytesPerUser }],
    ['futuresPerStateKey', { onKey: () => 100 }],
  ] as const)('the limit %s refuses, and names the time until the next is due', (limit, usage) => {
    const busy = world({
      usage: { pending: 0, contentBytes: 0, onKey: () => 0, nextDeadline: 700, ...usage },
    });
    const one = asked({ draft: draft({ stateKey: 'x' }) });
    const { answer } = addFuture(null, alice, 'call', one, busy, defaultLimits);
    expect(answer).toMatchObject({ kind: 'over-limit', limit, retryAfter: 200 });
    const off = addFuture(null, alice, 'call', one, busy, { ...defaultLimits, perUser: false });
    expect(off.answer.kind).toBe('added');
  });

  test('a group holds 64 futures at most', () => {
    const full = group(Array.from({ length: 64 }, (_, index) => future(index + 1)));
    expect(add(full).answer).toMatchObject({ kind: 'over-limit', limit: 'futuresPerGroup', maximum: 64 });
  });
});

describe('new state', () => {
  const onKey = (generation: Generation, fence: Fence = { kind: 'untold' }): Future =>
    future(1, { generation, fence, draft: draft({ stateKey: 'x' }) });
  test.each([
    ['futures', bob, null, false],
    ['futures', alice, null, false],
    ['delay-parameter', bob, null, false],
    ['delay-parameter', alice, null, true],
    ['delay-parameter', alice, bob, false],
    ['delayed-events', bob, null, true],
  ] as const)('%s, last by %s, before that by %s: alive %s', (generation, last, before, lives) => {
    expect(alive(onKey(generation), world(afterStateBy(last, before)))).toBe(lives);
  });

  test('the very event that was current when the future was made invalidates nothing', () => {
    expect(alive(onKey('futures', { kind: 'event', event: '$new' }), world(afterStateBy(bob)))).toBe(true);
  });

  test('state that came before the future invalidates nothing', () => {
    expect(alive({ ...onKey('futures'), stateOrder: 2 }, world(afterStateBy(bob)))).toBe(true);
  });

  test('a message future is not invalidated', () => {
    expect(alive(future(1), world(afterStateBy(bob)))).toBe(true);
  });

  test('with the last timeout future the action futures go, and the name is free', () => {
    const next = bury(group([onKey('futures'), actionFuture(2)]), world(afterStateBy(bob)), true);
    expect(next.phase).toBe('closed');
    expect(ends(next)).toEqual(['cancelled(state)', 'cancelled(group)']);
  });

  test('a group goes on while another timeout future is alive', () => {
    const next = bury(group([onKey('futures'), future(2)]), world(afterStateBy(bob)), true);
    expect(next.phase).toBe('open');
    expect(ends(next)).toEqual(['cancelled(state)', 'scheduled']);
  });

  test('a winner that certainly had no effect is cancelled', () => {
    const next = bury(claimed(1, [onKey('futures'), future(2)]), world(afterStateBy(bob)), true);
    expect(next.phase).toBe('open');
    expect(ends(next)).toEqual(['cancelled(state)', 'scheduled']);
  });

  test('a winner that may be in the room is doomed', () => {
    const next = bury(claimed(1, [onKey('futures')]), world(afterStateBy(bob)), false);
    expect(next).toMatchObject({ phase: 'claimed', claim: { doomed: 'state' } });
  });

  test('deactivation cancels everything', () => {
    const next = bury(group([future(1), actionFuture(2)]), world({ ownerActive: false }), true);
    expect(ends(next)).toEqual(['cancelled(deactivated)', 'cancelled(deactivated)']);
    expect(next.phase).toBe('closed');
  });
});

describe('refreshing', () => {
  const refresh = (found: ReturnType<typeof group>, id: number, certain = true) =>
    refreshFuture(found, id, certain, world({ now: 5_000.5 }));

  test('restarts the timer, overdue or not', () => {
    const { next, answer } = refresh(group([future(1)]), 1);
    expect(answer).toEqual({ kind: 'refreshed', deadline: 6_001 });
    expect(next.futures[0]).toMatchObject({ deadline: 6_001, since: 5_000.5 });
  });

  test('an action future has no timer', () => {
    expect(refresh(group([future(1), actionFuture(2)]), 2).answer).toEqual({ kind: 'no-timer' });
  });

  test.each([
    ['another than the winner', claimed(1, [future(1), future(2)]), 2, false, 'refreshed', 'claimed'],
    [
      'the winner of a send by hand',
      claimed(1, [future(1)], { cause: 'token' }),
      1,
      false,
      'refreshed',
      'claimed',
    ],
    ['the winner of a timer, certain', claimed(1, [future(1)]), 1, true, 'refreshed', 'open'],
    ['the winner of a timer, not certain', claimed(1, [future(1)]), 1, false, 'gone', 'claimed'],
    [
      'the winner of a timer, taken over',
      claimed(1, [future(1)], { taken: true }),
      1,
      true,
      'gone',
      'claimed',
    ],
    [
      'a doomed winner',
      claimed(1, [future(1)], { cause: 'token', doomed: 'token' }),
      1,
      false,
      'gone',
      'claimed',
    ],
    ['a member of a sent group', group([future(1)], { phase: 'sent' }), 1, true, 'gone', 'sent'],
    ['a member of a closed group', group([future(1)], { phase: 'closed' }), 1, true, 'gone', 'closed'],
  ] as const)('%s', (_, found, id, certain, answer, phase) => {
    const result = refresh(found, id, certain);
    expect(result.answer.kind).toBe(answer);
    expect(result.next.phase).toBe(phase);
  });
});

describe('cancelling', () => {
  const cancel = (found: ReturnType<typeof group>, id: number, certain = true) =>
    cancelFuture(found, id, 'token', certain, world());

  test('one future of several', () => {
    const { next, answer } = cancel(group([future(1), future(2), actionFuture(3)]), 1);
    expect(answer.kind).toBe('cancelled');
    expect(ends(next)).toEqual(['cancelled(token)', 'scheduled', 'scheduled']);
  });

  test('the last timeout future takes the action futures along', () => {
    const { next } = cancel(group([future(1), actionFuture(2)]), 1);
    expect(ends(next)).toEqual(['cancelled(token)', 'cancelled(group)']);
    expect(next.phase).toBe('closed');
  });

  test('an action future goes alone', () => {
    expect(ends(cancel(group([future(1), actionFuture(2)]), 2).next)).toEqual([
      'scheduled',
      'cancelled(token)',
    ]);
  });

  test.each([
    ['another than the winner', claimed(1, [future(1), future(2)]), 2, false, 'cancelled', 'claimed'],
    ['the winner, certain', claimed(1, [future(1), future(2)]), 1, true, 'cancelled', 'open'],
    ['the winner, not certain', claimed(1, [future(1)]), 1, false, 'doomed', 'claimed'],
    [
      'the winner, doomed already',
      claimed(1, [future(1)], { doomed: 'state' }),
      1,
      false,
      'doomed',
      'claimed',
    ],
    ['the winner, taken over', claimed(1, [future(1)], { taken: true }), 1, true, 'gone', 'claimed'],
    ['a member of a sent group', group([future(1)], { phase: 'sent' }), 1, true, 'gone', 'sent'],
  ] as const)('%s', (_, found, id, certain, answer, phase) => {
    const result = cancel(found, id, certain);
    expect(result.answer.kind).toBe(answer);
    expect(result.next.phase).toBe(phase);
  });
});

describe('claiming', () => {
  test.each([
    [999.9, false],
    [1_000, true],
  ])('never early: at %d due is %s', (now, due) => {
    expect(isDue(group([future(1)]), 1, world({ now }))).toBe(due);
    expect(claimDue(group([future(1)]), 1, claimant, world({ now })).claimed).toBe(due);
  });

  test('a claim freezes the group under a new epoch', () => {
    const { next } = claimDue(group([future(1)]), 1, claimant, world({ now: 1_000 }));
    expect(next).toMatchObject({
      phase: 'claimed',
      epoch: 1,
      claim: { winner: 1, cause: 'timer', since: 1_000 },
    });
  });

  test.each([
    ['an open group', group([future(1), actionFuture(2)]), 2, 'claimed'],
    ['the winner again', claimed(1, [future(1)]), 1, 'join'],
    ['another while one is on its way', claimed(1, [future(1), future(2)]), 2, 'wait'],
    ['a sent group', group([future(1)], { phase: 'sent' }), 1, 'gone'],
    ['a staged group', group([future(1, { status: 'staged' })], { phase: 'staged' }), 1, 'gone'],
  ] as const)('send by hand: %s', (_, found, id, answer) => {
    expect(claimByHand(found, id, true, claimant, world()).answer.kind).toBe(answer);
  });

  test('a restart goes on under a new epoch, a take-over says that it is one', () => {
    const found = claimed(1, [future(1)]);
    expect(resume(found, 'A', 7)).toMatchObject({
      epoch: 2,
      claim: { node: 'A', leaseEnd: 7, taken: false },
    });
    expect(takeOver(found, 'B', 7)).toMatchObject({
      epoch: 2,
      claim: { node: 'B', leaseEnd: 7, taken: true },
    });
  });
});

describe('what a delivery does to its group', () => {
  const futures = [future(1), future(2), actionFuture(3)];
  const claimOf = (found: ReturnType<typeof claimed>) => {
    if (found.claim === null) throw new Error('not claimed');
    return found.claim;
  };

  test('accepted: one is sent, the others are superseded, the name is used up', () => {
    const next = accepted(claimed(1, futures), 1, '$e', world());
    expect(next).toMatchObject({ phase: 'sent', claim: null, endedAt: 500 });
    expect(ends(next)).toEqual(['sent', 'cancelled(group)', 'cancelled(group)']);
    expect(accepted(next, 1, '$e', world({ now: 900 }))).toBe(next);
  });

  test('refused, by hand: everything as it was', () => {
    const found = claimed(1, futures, { cause: 'token' });
    const next = refused(found, claimOf(found), noPower, world());
    expect(next?.phase).toBe('open');
    expect(ends(next)).toEqual(['scheduled', 'scheduled', 'scheduled']);
  });

  test('refused, by timer: that one failed, the others go on', () => {
    const found = claimed(1, futures);
    const next = refused(found, claimOf(found), noPower, world());
    expect(next?.phase).toBe('open');
    expect(ends(next)).toEqual(['failed', 'scheduled', 'scheduled']);
    expect(ends(failedWhenDue(group(futures), 1, noPower, world()))).toEqual([
      'failed',
      'scheduled',
      'scheduled',
    ]);
  });

  test('refused, by the last timer: the action futures go with it', () => {
    const found = claimed(1, [future(1), actionFuture(2)]);
    const next = refused(found, claimOf(found), noPower, world());
    expect(next?.phase).toBe('closed');
    expect(ends(next)).toEqual(['failed', 'cancelled(group)']);
  });

  test('refused while doomed: cancelled, as was asked', () => {
    const found = claimed(1, futures, { doomed: 'token' });
    expect(ends(refused(found, claimOf(found), noPower, world()))[0]).toBe('cancelled(token)');
    expect(ends(givenBack(found, claimOf(found), world()))[0]).toBe('cancelled(token)');
  });

  test('a staged batch that is refused or not taken leaves nothing', () => {
    const staged = { ...claimed(1, []), phase: 'staged' as const };
    const claim = { ...claimOf(staged), winner: null };
    expect(refused(staged, claim, noPower, world())).toBeNull();
    expect(givenBack(staged, claim, world())).toBeNull();
  });

  test('a staged batch that was taken over keeps its name even then: the first node may yet send its event', () => {
    const staged = { ...claimed(1, [future(1, { status: 'staged' })]), phase: 'staged' as const };
    const claim = { ...claimOf(staged), winner: null, taken: true };
    const sealed = { phase: 'sent', claim: null, sendNow: null };
    expect(refused(staged, claim, noPower, world())).toMatchObject(sealed);
    expect(givenBack(staged, claim, world())).toMatchObject(sealed);
  });

  test('a staged batch of which nothing was learned keeps its name, so that repeating it sends nothing', () => {
    const staged = {
      ...claimed(1, [future(1, { status: 'staged' })]),
      phase: 'staged' as const,
      sendNow: draft(),
    };
    const next = gaveUp(staged, { ...claimOf(staged), winner: null }, world());
    expect(next).toMatchObject({ phase: 'sent', claim: null, sendNow: null });
    expect(ends(next)).toEqual(['cancelled(group)']);
  });

  test('a group that was taken over never reopens: it ends with its name used up', () => {
    const found = claimed(1, futures, { cause: 'token', taken: true });
    const next = givenBack(found, claimOf(found), world());
    expect(next?.phase).toBe('sent');
    expect(ends(next)).toEqual(['cancelled(group)', 'cancelled(group)', 'cancelled(group)']);
  });

  test('proved absent: a doomed winner is cancelled, another is certain again', () => {
    const doomed = claimed(1, futures, { doomed: 'owner' });
    expect(ends(provedAbsent(doomed, claimOf(doomed), world()))[0]).toBe('cancelled(owner)');
    const found = claimed(1, futures);
    expect(provedAbsent(found, claimOf(found), world())).toBe(found);
  });

  test('proved absent after a take-over: nobody is told that the cancel worked', () => {
    const found = claimed(1, futures, { doomed: 'token', taken: true });
    const next = provedAbsent(found, claimOf(found), world());
    expect(next.phase).toBe('sent');
    expect(ends(next)).toEqual(['failed', 'cancelled(group)', 'cancelled(group)']);
  });

  test('24 hours of unknown: failed, and the name stays used up', () => {
    const found = claimed(1, futures);
    const { next, answer } = beginAttempt(
      found,
      1,
      false,
      { refusal: null, newState: 'none' },
      86_400_000,
      world({ now: 86_400_000 }),
    );
    expect(answer.kind).toBe('over');
    expect(next?.phase).toBe('sent');
    expect(ends(next)[0]).toBe('failed');
  });
});

describe('the word before an attempt', () => {
  const free: Guards = { refusal: null, newState: 'none' };
  const refusal = { status: 403, errcode: 'M_FORBIDDEN', error: 'not in the room' };
  const begin = (found: ReturnType<typeof claimed>, certain: boolean, guards = free, epoch = 1) =>
    beginAttempt(found, epoch, certain, guards, 86_400_000, world());

  test('an attempt is made under the current epoch only', () => {
    expect(begin(claimed(1, [future(1)]), true).answer.kind).toBe('deliver');
    expect(begin(claimed(1, [future(1)]), true, free, 0).answer.kind).toBe('over');
  });

  test('a doomed winner is looked for, and not sent', () => {
    expect(begin(claimed(1, [future(1)], { doomed: 'token' }), false).answer.kind).toBe('look');
  });

  test('a sender who may not be acted for: a timer failed with that error, a send by hand is answered with it', () => {
    const refused = { ...free, refusal };
    const timer = begin(claimed(1, [future(1), future(2)]), true, refused);
    expect(timer.answer).toEqual({ kind: 'over', error: refusal });
    expect(ends(timer.next)).toEqual(['failed', 'scheduled']);
    const byHand = begin(claimed(1, [future(1), future(2)], { cause: 'token' }), true, refused);
    expect(byHand.answer).toEqual({ kind: 'over', error: refusal });
    expect(ends(byHand.next)).toEqual(['scheduled', 'scheduled']);
  });

  test('a sender who may not be acted for, after an attempt that may have had an effect: only looked for', () => {
    const { next, answer } = begin(claimed(1, [future(1)]), false, { ...free, refusal });
    expect(answer.kind).toBe('look');
    expect(next?.claim?.doomed).toBe('deactivated');
  });

  const overtaken = (generation: Generation, newState: NewState, certain = true) => {
    const members = [{ ...future(1), generation }, future(2)];
    return begin(claimed(1, members), certain, { ...free, newState });
  };

  test.each<[Generation, NewState, boolean]>([
    ['futures', 'own', true],
    ['futures', 'others', true],
    ['futures', 'unreadable', false],
    ['delay-parameter', 'own', false],
    ['delay-parameter', 'others', true],
    ['delay-parameter', 'unreadable', false],
    ['delayed-events', 'own', false],
    ['delayed-events', 'others', false],
  ])('a future of %s and new state (%s): overtaken %s', (generation, newState, is) => {
    const { next, answer } = overtaken(generation, newState);
    expect(answer.kind).toBe(is ? 'over' : 'deliver');
    expect(ends(next)[0]).toBe(is ? 'cancelled(state)' : 'scheduled');
  });

  test('new state after an attempt that may have had an effect: only looked for', () => {
    const { next, answer } = overtaken('futures', 'own', false);
    expect(answer.kind).toBe('look');
    expect(next?.claim?.doomed).toBe('state');
  });
});

test('a staged batch comes to life, with send_now as the fence on its own key and timers from now', () => {
  const content = { body: 'see $m.send_now.event_id' };
  const sendNow = draft({ stateKey: 'x' });
  const staged = group(
    [
      future(1, { status: 'staged', deadline: null, draft: draft({ content, stateKey: 'x' }) }),
      future(2, { status: 'staged', deadline: null, draft: draft({ stateKey: 'y' }) }),
    ],
    { phase: 'staged', sendNow },
  );
  expect(openStaged(staged, '$first', world({ now: 10.5, stateOrder: 4 }))).toMatchObject({
    phase: 'open',
    claim: null,
    sendNow: null,
    futures: [
      {
        status: 'scheduled',
        deadline: 1_011,
        stateOrder: 4,
        fence: { kind: 'event', event: '$first' },
        draft: { content: { body: 'see $first' } },
      },
      // Another key: what was current on it when it was asked for stays what counts.
      { status: 'scheduled', deadline: 1_011, stateOrder: 0, fence: { kind: 'untold' } },
    ],
  });
});
