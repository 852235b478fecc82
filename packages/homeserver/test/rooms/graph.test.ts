import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventIdOf } from '../../src/events/hashes.ts';
import type { Pdu } from '../../src/events/pdu.ts';
import { isEventSignedBy } from '../../src/events/signatures.ts';
import { parseSigningKey } from '../../src/events/signing-key.ts';
import { findRoomVersion, type RoomVersion } from '../../src/room-versions/room-version.ts';
import { startServer, type TestServer, type User } from '../server/server.ts';

let server: TestServer;
let alice: User;
let bob: User;
beforeEach(async () => {
  server = await startServer();
  alice = await server.user('alice');
  bob = await server.user('bob');
});
afterEach(() => server[Symbol.asyncDispose]());

interface Row {
  readonly id: string;
  readonly pdu: Pdu;
}

function graphOf(room: string): Row[] {
  const rows = server.database.connection
    .prepare('SELECT event_id AS id, pdu FROM event WHERE room_id = ? ORDER BY stream_position')
    .all(room);
  return rows.map(({ id, pdu }) => ({ id: String(id), pdu: JSON.parse(String(pdu)) }));
}

describe.each(['10', '11', '12'])('the graph of a room of version %s', (version) => {
  let graph: Row[];
  let rules: RoomVersion;
  beforeEach(async () => {
    rules = findRoomVersion(version)!;
    const room = await alice.room({ room_version: version, preset: 'public_chat' });
    const at = (path: string) => `/rooms/${encodeURIComponent(room)}${path}`;
    await bob.join(room);
    const event = await bob.say(room, 'x');
    await bob.put(at(`/redact/${event}/1`));
    await alice.put(at('/state/m.room.topic'), { topic: 'T' });
    await alice.post(at('/kick'), { user_id: bob.id });
    graph = graphOf(room);
  });

  test('is a line: each event follows the one before it, one deeper', () => {
    expect(graph.length).toBeGreaterThan(8);
    graph.forEach(({ pdu }, index) => {
      expect(pdu.prev_events).toEqual(index === 0 ? [] : [graph[index - 1]?.id]);
      expect(pdu.depth).toBe(index + 1);
    });
  });

  test('has ids that are the hashes of its events, redacted ones too, and valid signatures', () => {
    const row = server.database.connection.prepare('SELECT signing_key AS key FROM server').get();
    const key = parseSigningKey(String(row?.['key']))!;
    for (const { id, pdu } of graph) {
      expect(eventIdOf(pdu, rules)).toBe(id);
      const findKey = (keyId: string) => (keyId === key.id ? key.verifyKey : undefined);
      expect(isEventSignedBy(pdu, rules, 'test', findKey)).toBe(true);
    }
  });

  test('names the events that allow each event', () => {
    const idOf = (type: string, key: string, before: number) =>
      graph.slice(0, before).findLast(({ pdu }) => pdu.type === type && pdu.state_key === key)?.id;
    const kick = graph.length - 1;
    const expected = [
      ...(version === '12' ? [] : [idOf('m.room.create', '', kick)]),
      idOf('m.room.power_levels', '', kick),
      idOf('m.room.member', alice.id, kick),
      idOf('m.room.member', bob.id, kick),
    ];
    expect(graph[kick]?.pdu.auth_events).toEqual(expected);
    expect(graph[0]?.pdu.auth_events).toEqual([]);
  });
});
