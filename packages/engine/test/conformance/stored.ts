import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Draft, Fence, Future, Group, JsonValue, Outcome } from '@matrix-futures/engine';
import {
  draftOf,
  edit,
  finished,
  futureWith,
  groupWith,
  inPhase,
  schedule,
  stateDraft,
  withFuture,
} from './samples.ts';
import { opener, type MakeStore } from './subject.ts';

export function storedConformance(makeStore: MakeStore): void {
  const open = opener(makeStore);

  describe('what is stored', () => {
    test.each(['staged', 'open', 'claimed', 'sent', 'closed'] as const)(
      'keeps every field of a group that is %s',
      async (phase) => {
        const { store, clock } = await open();
        const { id } = await schedule(store, { timeout: null });
        const second = await schedule(store);
        let expected: Group | null = null;
        await edit(
          store,
          id,
          (group) => (expected = inPhase(finishSecond(group, second), phase, clock.now())),
        );
        expect(await groupWith(store, id)).toEqual(expected);
      },
    );

    test.each(fences)('keeps the fence %j', async (fence) => {
      const { store } = await open();
      const { id } = await schedule(store, { draft: stateDraft('alice'), fence });
      expect((await futureWith(store, id)).fence).toEqual(fence);
    });

    test.each(outcomes)('keeps the outcome %j', async (outcome) => {
      const { store } = await open();
      const { id } = await schedule(store);
      await edit(store, id, (group) => finished(group, id, outcome));
      expect((await futureWith(store, id)).outcome).toEqual(outcome);
    });

    test('keeps the action a future was named by', async () => {
      const { store } = await open();
      for (const action of [null, '', 'hang "up"', '__proto__']) {
        const { id } = await schedule(store, { timeout: action === null ? 5 : null, action });
        expect((await futureWith(store, id)).action).toBe(action);
      }
    });

    test('keeps the device whose syncs restart the timer', async () => {
      const { store } = await open();
      for (const heartbeat of [null, 'DEVICE', 'dévice "2"']) {
        const { id } = await schedule(store, { heartbeat });
        expect((await futureWith(store, id)).heartbeat).toBe(heartbeat);
        await edit(store, id, (group) => withFuture(group, id, { deadline: 2_000_000_000_000 }));
        expect((await futureWith(store, id)).heartbeat).toBe(heartbeat);
      }
    });

    test('keeps the extras of a draft, those that are there and no others', async () => {
      const { store } = await open();
      for (const extras of [
        {},
        { ts: 0 },
        { stickyDurationMs: 5 },
        { ts: 17, stickyDurationMs: 3_600_000 },
      ]) {
        const { id } = await schedule(store, { draft: draftOf({ extras }) });
        expect((await futureWith(store, id)).draft.extras).toStrictEqual(extras);
      }
    });

    test('keeps timeouts of 100 years and their deadlines to the millisecond', async () => {
      const { store, clock } = await open();
      const timeout = 3_155_760_000_000;
      const future = await schedule(store, { timeout });
      expect(future.deadline).toBe(Math.ceil(clock.now() + timeout));
      expect(await futureWith(store, future.id)).toEqual(future);
      expect(store.nextDue()).toBeLessThanOrEqual(Math.ceil(clock.now() + timeout));
    });

    test('keeps a content to the letter: its order, its numbers, and keys with a meaning in JavaScript', async () => {
      const { store } = await open();
      const text =
        '{"b":[{"z":1,"a":null}],"10":1.5e300,"2":-0.1,"__proto__":{"x":1},"":"\\u0000\\"\\\\","é":"\\ud800"}';
      const content = JSON.parse(text);
      const { id } = await schedule(store, { draft: draftOf({ content }) });
      expect(JSON.stringify((await futureWith(store, id)).draft.content)).toBe(JSON.stringify(content));
    });

    test('keeps any draft', async () => {
      const { store } = await open();
      await fc.assert(
        fc.asyncProperty(drafts, async (draft) => {
          const { id } = await schedule(store, { draft });
          const kept = (await futureWith(store, id)).draft;
          expect(kept).toEqual(draft);
          expect(JSON.stringify(kept.content)).toBe(JSON.stringify(draft.content));
          await edit(store, id, () => null);
        }),
        { numRuns: 50 },
      );
    });
  });
}

function finishSecond(group: Group, second: Future): Group {
  return finished(group, second.id, { kind: 'cancelled', at: second.since, reason: 'token' });
}

const fences: readonly Fence[] = [
  { kind: 'event', event: '$event' },
  { kind: 'absent' },
  { kind: 'unreadable' },
  { kind: 'untold' },
];

const outcomes: readonly Outcome[] = [
  { kind: 'sent', at: 1_765_000_000_000.25, event: '$event' },
  { kind: 'failed', at: 5, error: { status: 403, errcode: 'M_FORBIDDEN', error: 'No "power"' } },
  {
    kind: 'failed',
    at: 5,
    error: {
      status: 429,
      errcode: 'M_LIMIT_EXCEEDED',
      error: 'Slow',
      fields: { retry_after_ms: 5, soft: true, by: 'us' },
    },
  },
  ...(['token', 'owner', 'state', 'group', 'deactivated'] as const).map((reason): Outcome => ({
    kind: 'cancelled',
    at: 7.75,
    reason,
  })),
];

const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.string({ unit: 'binary' }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
})).value;

const drafts: fc.Arbitrary<Draft> = fc.record({
  room: fc.string({ unit: 'grapheme' }),
  sender: fc.string(),
  type: fc.string(),
  stateKey: fc.option(fc.string({ unit: 'grapheme' })),
  content: fc.dictionary(fc.string(), json, { noNullPrototype: true }),
  extras: fc.record({ ts: fc.nat() }, { requiredKeys: [] }),
});
