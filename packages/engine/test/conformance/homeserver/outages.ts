import { HomeserverUnavailable, type Sent } from '@matrix-futures/engine';
import { describe, expect, test } from 'vitest';
import { Line, type Fault } from './line.ts';
import { callMember } from './person.ts';
import {
  accepted,
  eventsOf,
  message,
  newTimestamp,
  newTransactionId,
  state,
  type RemoteScene,
} from './scene.ts';
import type { Connection } from './under-test.ts';

/** How long an attempt may take: where there will be no answer, as long as it may take to be written. */
const limitUnder = ({ kind }: Fault): number => (kind === 'is silent' ? 1_000 : 30_000);

/** A homeserver that is away, or limits, or refuses the gateway, and lines that break. */
export function outageRules(scene: () => RemoteScene): void {
  const onALine = async (run: (line: Line, connection: Connection) => Promise<void>): Promise<void> => {
    const { homeserver } = scene();
    await using line = await Line.open(homeserver.url);
    await using connection = await homeserver.connect({ url: line.url });
    await run(line, connection);
  };

  const sentBy = async (room: string): Promise<Sent> => {
    const timestamp = newTimestamp();
    const draft = message(room, scene().alice);
    const fence = { kind: 'untold' } as const;
    return { draft, transactionId: newTransactionId(), timestamp, since: timestamp, fence };
  };

  describe.concurrent('while the homeserver is away', () => {
    test('nothing is taken, and every question is unavailable', async () => {
      const { alice } = scene();
      const room = await alice.room();
      await onALine(async (line, { port, troubles }) => {
        const sent = await sentBy(room);
        const { draft, transactionId, timestamp } = sent;
        const key = { room, type: callMember, key: '' };
        expect(await port.judgeSender(draft)).toBe(null);
        await line.cut();
        // Only then it is certain that no connection is left.
        await expect(port.judgeSender(draft)).rejects.toThrow(HomeserverUnavailable);
        expect(await port.deliver(draft, transactionId, timestamp, 30_000)).toMatchObject({
          kind: 'not-taken',
        });
        await expect(port.fence(key, alice.id)).rejects.toThrow(HomeserverUnavailable);
        await expect(port.newState(key, alice.id, { kind: 'absent' })).rejects.toThrow(HomeserverUnavailable);
        await expect(port.look(sent)).rejects.toThrow(HomeserverUnavailable);
        expect(troubles).toEqual([]);
        await line.mend();
        expect(await port.look(sent)).toEqual({ kind: 'absent' });
        accepted(await port.deliver(draft, transactionId, timestamp, 30_000));
      });
    });

    test('whoever wants to know is told when it is back, each time', async () => {
      const { alice } = scene();
      const room = await alice.room();
      await onALine(async (line, { port }) => {
        let returned = Promise.withResolvers<void>();
        port.onReturn(() => returned.resolve());
        for (let time = 0; time < 2; time += 1) {
          returned = Promise.withResolvers();
          await line.cut();
          await expect(port.judgeSender(message(room, alice))).rejects.toThrow(HomeserverUnavailable);
          await line.mend();
          await returned.promise;
        }
      });
    });
  });

  describe.concurrent('an attempt is of unknown outcome', () => {
    const faults: Readonly<Record<string, Fault>> = {
      'the answer is lost': { kind: 'loses the answer' },
      'the answer breaks off': { kind: 'breaks off the answer' },
      'nothing comes in time': { kind: 'is silent' },
      'the answer is 500': {
        kind: 'answers',
        status: 500,
        body: '{"errcode":"M_UNKNOWN","error":"Internal server error"}',
      },
      'the answer is a proxy’s 502': { kind: 'answers', status: 502, body: '<html>Bad gateway</html>' },
      'the answer is a 200 of something else': { kind: 'answers', status: 200, body: '<html>Welcome</html>' },
      'the answer points elsewhere': {
        ...{ kind: 'answers', status: 302, body: '' },
        headers: { location: 'https://example.org/' },
      },
    };
    test.each(Object.entries(faults))('where %s, and a look tells', async (_, fault) => {
      const { alice } = scene();
      const room = await alice.room();
      const drafts = [message(room, alice), state(room, alice, { a: 1 })];
      const goesThrough = fault.kind === 'loses the answer' || fault.kind === 'breaks off the answer';
      await onALine(async (line, { port }) => {
        for (const draft of drafts) {
          const sent = { ...(await sentBy(room)), draft, fence: { kind: 'absent' } as const };
          const { transactionId, timestamp } = sent;
          line.onWrites(fault);
          const outcome = await port.deliver(draft, transactionId, timestamp, limitUnder(fault));
          expect(outcome.kind).toBe('unknown');
          line.onWrites(null);
          const events = await eventsOf(draft, alice);
          expect(events.length).toBe(goesThrough ? 1 : 0);
          expect(await port.look(sent)).toEqual(
            goesThrough ? { kind: 'accepted', event: events[0].event_id } : { kind: 'absent' },
          );
          if (!goesThrough) accepted(await port.deliver(draft, transactionId, timestamp, 30_000));
          expect(await eventsOf(draft, alice)).toHaveLength(1);
        }
      });
    });

    test('and is one request: what comes to nothing is never repeated behind one’s back', async () => {
      const { alice } = scene();
      const room = await alice.room();
      await onALine(async (line, { port }) => {
        for (const fault of Object.values(faults)) {
          line.onWrites(fault);
          const before = line.written;
          const { draft, transactionId, timestamp } = await sentBy(room);
          await port.deliver(draft, transactionId, timestamp, limitUnder(fault));
          expect(line.written - before).toBe(1);
        }
      });
    });
  });

  describe.concurrent('an attempt is not taken', () => {
    const limited = { kind: 'answers', status: 429 } as const;
    test.each([
      [
        'what it asks for',
        { ...limited, body: '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":1234}' },
        1_234,
      ],
      [
        'what its header asks for',
        { ...limited, body: '{"errcode":"M_LIMIT_EXCEEDED"}', headers: { 'retry-after': '3' } },
        3_000,
      ],
      ['nothing, where it asks for nothing', { ...limited, body: '' }, null],
    ])('where the rate is limited: to be tried again after %s', async (_, fault, retryAfter) => {
      const { alice } = scene();
      const room = await alice.room();
      await onALine(async (line, { port }) => {
        line.onWrites(fault);
        const { draft, transactionId, timestamp } = await sentBy(room);
        expect(await port.deliver(draft, transactionId, timestamp, 30_000)).toMatchObject({
          ...{ kind: 'not-taken', retryAfter },
          error: { status: 429, errcode: 'M_LIMIT_EXCEEDED' },
        });
      });
    });

    test('where the homeserver does not know the gateway: that is never the event’s refusal', async () => {
      const { alice, homeserver } = scene();
      const room = await alice.room();
      await using connection = await homeserver.connect({ token: 'of-another-time-and-place' });
      const { port, troubles } = connection;
      const sent = await sentBy(room);
      const { draft, transactionId, timestamp } = sent;
      expect(await port.deliver(draft, transactionId, timestamp, 30_000)).toMatchObject({
        kind: 'not-taken',
      });
      expect(troubles).toHaveLength(1);
      expect(troubles[0]).not.toContain('of-another-time-and-place');
      await expect(port.judgeSender(draft)).rejects.toThrow(HomeserverUnavailable);
      await expect(port.fence({ room, type: callMember, key: '' }, alice.id)).rejects.toThrow(
        HomeserverUnavailable,
      );
      await expect(port.look(sent)).rejects.toThrow(HomeserverUnavailable);
    });

    test('where the homeserver refuses, and cannot be asked whether it refuses the gateway', async () => {
      const { alice } = scene();
      const room = await alice.room();
      await onALine(async (line, { port, troubles }) => {
        const { draft, transactionId, timestamp } = await sentBy(room);
        line.fault = (method, path) => {
          if (method === 'PUT')
            return { kind: 'answers', status: 403, body: '{"errcode":"M_FORBIDDEN","error":"No"}' };
          return path.includes('whoami') ? { ...limited, body: '{"errcode":"M_LIMIT_EXCEEDED"}' } : null;
        };
        expect(await port.deliver(draft, transactionId, timestamp, 30_000)).toMatchObject({
          kind: 'not-taken',
        });
        expect(troubles).toEqual([]);
      });
    });

    test.each([
      ['no error of Matrix', 403, '<html>Forbidden</html>'],
      ['an unknown path', 404, '{"errcode":"M_UNRECOGNIZED","error":"Unrecognized request"}'],
      ['a server that is full', 403, '{"errcode":"M_RESOURCE_LIMIT_EXCEEDED","error":"Full"}'],
    ])('where the answer is %s', async (_, status, body) => {
      const { alice } = scene();
      const room = await alice.room();
      await onALine(async (line, { port, troubles }) => {
        line.onWrites({ kind: 'answers', status, body });
        const { draft, transactionId, timestamp } = await sentBy(room);
        expect(await port.deliver(draft, transactionId, timestamp, 30_000)).toMatchObject({
          kind: 'not-taken',
        });
        expect(troubles).toHaveLength(1);
      });
    });
  });
}
