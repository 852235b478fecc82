import type { Accepted, Draft, EventId, JsonObject, Refused, RemoteHomeserver } from '@matrix-futures/engine';
import { expect } from 'vitest';
import { callMember, Person } from './person.ts';
import type { Connection, HomeserverUnderTest, RemoteUnderTest } from './under-test.ts';

/** No event of these tests has the time of another. */
let lastTimestamp = 0;

/** Milliseconds since 1970, now or a little later. */
export function newTimestamp(): number {
  lastTimestamp = Math.max(lastTimestamp + 1, Date.now());
  return lastTimestamp;
}

let transactions = 0;

export function newTransactionId(): string {
  transactions += 1;
  return `conformance-${Date.now()}-${transactions}`;
}

/** One homeserver and three of its users. Rooms are made anew in each test. */
export interface Scene {
  readonly homeserver: HomeserverUnderTest;
  /** makes the rooms */
  readonly alice: Person;
  readonly bob: Person;
  readonly carol: Person;
  /** Another account. */
  person(password?: string): Promise<Person>;
  judgeForm: RemoteHomeserver['judgeForm'];
  /** Hands a draft to the port as a delivery does, whichever shape it has. */
  send(draft: Draft, timestamp?: number): Promise<Accepted | Refused>;
}

export interface RemoteScene extends Scene {
  readonly homeserver: RemoteUnderTest;
  readonly port: RemoteHomeserver;
}

let people = 0;

/** @param connection the port, where the homeserver is elsewhere; null: it has one itself */
export async function makeScene(
  homeserver: HomeserverUnderTest,
  connection: Connection | null,
): Promise<Scene> {
  const { judgeForm, send } = handsOf(homeserver, connection);
  const person = async (password: string | null = null): Promise<Person> => {
    people += 1;
    const name = `conformance-${Date.now()}-${people}`;
    const made = new Person(homeserver.url, await homeserver.register(name, password));
    await made.name('Somebody');
    return made;
  };
  const [alice, bob, carol] = [await person(), await person(), await person()];
  return { homeserver, alice, bob, carol, person, judgeForm, send };
}

function handsOf(
  homeserver: HomeserverUnderTest,
  connection: Connection | null,
): Pick<Scene, 'judgeForm' | 'send'> {
  if (homeserver.kind === 'local') {
    const { port, unit } = homeserver;
    return {
      judgeForm: (draft) => port.judgeForm(draft),
      send: (draft, timestamp = newTimestamp()) => unit(() => port.append(draft, timestamp)),
    };
  }
  if (connection === null) throw new Error('not connected');
  const { port } = connection;
  return {
    judgeForm: (draft) => port.judgeForm(draft),
    async send(draft, timestamp = newTimestamp()) {
      const error = await port.judgeSender(draft);
      if (error !== null) return { kind: 'refused', error };
      const { ts = timestamp } = draft.extras;
      const outcome = await port.deliver(draft, newTransactionId(), ts, 30_000);
      if (outcome.kind === 'accepted' || outcome.kind === 'refused') return outcome;
      throw new Error(
        `neither accepted nor refused: ${JSON.stringify(outcome)} ${connection.troubles.join()}`,
      );
    },
  };
}

export function message(room: string, sender: Person, body = 'later', extras: Draft['extras'] = {}): Draft {
  const content = { msgtype: 'm.text', body };
  return { room, sender: sender.id, type: 'm.room.message', stateKey: null, content, extras };
}

/** Call membership of the sender themselves, unless another key is named. */
export function state(room: string, sender: Person, content: JsonObject, key: string = sender.id): Draft {
  return { room, sender: sender.id, type: callMember, stateKey: key, content, extras: {} };
}

export function membership(room: string, sender: Person, whom: Person, value: string): Draft {
  const content = { membership: value };
  return { room, sender: sender.id, type: 'm.room.member', stateKey: whom.id, content, extras: {} };
}

export function redaction(room: string, sender: Person, redacts: EventId): Draft {
  const content = { redacts, reason: 'no more' };
  return { room, sender: sender.id, type: 'm.room.redaction', stateKey: null, content, extras: {} };
}

/** @returns the event's id */
export function accepted(outcome: { readonly kind: string; readonly event?: EventId }): EventId {
  expect(outcome).toMatchObject({ kind: 'accepted', event: expect.any(String) });
  return outcome.event ?? '';
}

/** Events of the room that are as the draft has them, as `reader` sees it. */
export async function eventsOf(draft: Draft, reader: Person): Promise<any[]> {
  const events = await reader.events(draft.room);
  return events.filter(
    ({ sender, type, state_key: key = null, content }) =>
      sender === draft.sender &&
      type === draft.type &&
      key === draft.stateKey &&
      // A homeserver adds to memberships, of the sender's profile.
      Object.entries(draft.content).every(
        ([name, value]) => JSON.stringify(content[name]) === JSON.stringify(value),
      ),
  );
}
