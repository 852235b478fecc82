import { describe, expect, it } from 'vitest';
import { judge } from './judge.ts';
import type { AskedFuture, Operation, Seen } from './operation.ts';

const message: AskedFuture = { mark: 'timed', timeout: 100, isState: false };
const state: AskedFuture = { ...message, isState: true };
const action: AskedFuture = { mark: 'action', timeout: null, isState: false };

/** Asked at `sent`, answered 1 ms later; `status` null: not answered. */
function operation(
  kind: Operation['kind'],
  sent: number,
  mark = 'timed',
  status: number | null = 200,
  rest: Partial<Operation> = {},
): Operation {
  const answer = status === null ? null : { at: sent + 1, status, event: null };
  return { kind, group: 'g', mark, futures: [], sendNow: null, sent, answer, ...rest };
}

const schedule = (...futures: AskedFuture[]): Operation =>
  operation('schedule', 0, 'timed', 200, { futures });
const seen = (mark: string, at: number): Seen => ({ mark, event: `$${mark}`, at });

const silent = { breaches: [], missing: [], accounts: [] };

describe('the judge lets pass', () => {
  const cases: [string, Operation[], Seen[]][] = [
    ['a timer that ran out', [schedule(message)], [seen('timed', 100)]],
    ['a refreshed one', [schedule(message), operation('refresh', 50)], [seen('timed', 151)]],
    [
      'an early one that a lost request may have sent',
      [schedule(message), operation('send', 50, 'timed', null)],
      [seen('timed', 51)],
    ],
    [
      'silence after a cancel that may have happened',
      [schedule(message), operation('cancel', 50, 'timed', null)],
      [],
    ],
    [
      'a 410 of what has been sent',
      [schedule(message), operation('refresh', 110, 'timed', 410)],
      [seen('timed', 120)],
    ],
    [
      'state after a timer',
      [schedule(state), operation('state', 110, 'plain')],
      [seen('timed', 105), seen('plain', 111)],
    ],
    [
      'either end of what was asked for without an answer',
      [operation('schedule', 0, 'timed', null, { futures: [message] })],
      [],
    ],
  ];
  it.each(cases)('%s', (_name, operations, timeline) => {
    expect(judge(operations, timeline)).toEqual(silent);
  });
});

describe('the judge finds', () => {
  const cases: [string, Operation[], Seen[], RegExp][] = [
    ['an event that is early', [schedule(message)], [seen('timed', 99)], /1\.0 ms early/],
    [
      'one that a refresh did not move',
      [schedule(message), operation('refresh', 50)],
      [seen('timed', 140)],
      /early/,
    ],
    ['one that is there twice', [schedule(message)], [seen('timed', 100), seen('timed', 101)], /2 times/],
    [
      'two events of a group',
      [schedule(message, action), operation('send', 50, 'action', null)],
      [seen('action', 51), seen('timed', 101)],
      /several events/,
    ],
    [
      'an event after its cancel',
      [schedule(message), operation('cancel', 50)],
      [seen('timed', 100)],
      /though cancelled/,
    ],
    [
      'an action after the last timeout future',
      [schedule(message, action), operation('cancel', 50), operation('send', 60, 'action', null)],
      [seen('action', 61)],
      /last timeout future/,
    ],
    ['an action nobody sent', [schedule(message, action)], [seen('action', 50)], /Infinity ms early/],
    ['an event nobody asked for', [], [seen('stray', 1)], /nobody asked/],
    [
      'state that was overtaken by its timer',
      [schedule(state), operation('state', 50, 'plain')],
      [seen('plain', 51), seen('timed', 100)],
      /came after plain/,
    ],
    ['an event that was lost', [schedule(message)], [], /timed is due/],
    [
      'a send that was lost',
      [schedule(message, action), operation('send', 50, 'action')],
      [],
      /sent by its token/,
    ],
    ['a message that was lost', [operation('message', 0, 'plain')], [], /answered 200/],
    [
      'a 410 without a reason',
      [schedule(message), operation('refresh', 50, 'timed', 410)],
      [seen('timed', 100)],
      /410 without/,
    ],
    [
      'a token that works after its use',
      [schedule(message), operation('cancel', 50), operation('refresh', 60)],
      [],
      /used up/,
    ],
    [
      'a batch that is there by half',
      [operation('schedule', 0, 'timed', null, { futures: [message], sendNow: 'now' })],
      [seen('now', 1)],
      /is due/,
    ],
    [
      'the other half of it',
      [operation('schedule', 0, 'timed', null, { futures: [message], sendNow: 'now' })],
      [seen('timed', 101)],
      /not taken in/,
    ],
    [
      'a refused message that is there',
      [operation('message', 0, 'plain', 503)],
      [seen('plain', 1)],
      /refused/,
    ],
    [
      'a refused future that is there',
      [operation('schedule', 0, 'timed', 503, { futures: [message] })],
      [seen('timed', 101)],
      /not taken in/,
    ],
    ['an answer that is none', [operation('message', 0, 'plain', 500)], [], /500/],
  ];
  it.each(cases)('%s', (_name, operations, timeline, what) => {
    const { breaches, missing } = judge(operations, timeline);
    expect([...breaches, ...missing].join('\n')).toMatch(what);
  });
});

describe('the judge gives an account', () => {
  const other = operation('message', 0, 'plain', 200, { group: 'other' });

  it('of a group with a finding: each request, its answer, and what was seen', () => {
    const batch = operation('schedule', 10, 'timed', 503, { futures: [state, action], sendNow: 'now' });
    const { accounts } = judge(
      [batch, { ...batch, sent: 20, answer: null }, operation('refresh', 50), other],
      [seen('now', 30), seen('plain', 90)],
    );
    expect(accounts).toEqual([
      [
        'g:',
        '  0.0 ms: schedule timed (100 ms, state), action (action), now at once → 503 at 1.0 ms',
        '  10.0 ms: schedule timed (100 ms, state), action (action), now at once → no answer',
        '  40.0 ms: refresh timed → 200 at 41.0 ms',
        '  20.0 ms: now is seen as $now',
        '  80.0 ms: the last that was seen of any group',
      ].join('\n'),
    ]);
  });

  it('of no group that kept every promise', () => {
    expect(judge([schedule(message), other], [seen('timed', 101), seen('plain', 2)]).accounts).toEqual([]);
  });
});
