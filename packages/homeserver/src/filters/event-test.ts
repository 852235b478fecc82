import type { JsonObject, RoomId, UserId } from '@matrix-futures/engine';
import type { EventFilter, RoomEventFilter } from './filter.ts';

/** What filters look at. `content` is a function because most filters never ask, and parsing it costs. */
export interface FilteredEvent {
  readonly type: string;
  readonly sender: UserId;
  content(): JsonObject;
}

/** true: the event may go to the client */
export type EventTest = (event: FilteredEvent) => boolean;

/** true: the room is meant */
export type RoomTest = (room: RoomId) => boolean;

/** The test a filter describes; null when it lets everything pass, so that callers can leave out the asking. */
export function eventTest(filter: EventFilter & RoomEventFilter): EventTest | null {
  const tests = [
    ...onType(filter.types, filter.not_types),
    ...onSender(filter.senders, filter.not_senders),
    ...onUrl(filter.contains_url),
  ];
  return tests.length === 0 ? null : (event) => tests.every((test) => test(event));
}

/** What is listed under `not_rooms` is out even if it is listed under `rooms`. */
export function roomTest(filter: Pick<RoomEventFilter, 'rooms' | 'not_rooms'>): RoomTest | null {
  const wanted = filter.rooms === undefined ? null : new Set(filter.rooms);
  const unwanted = new Set(filter.not_rooms);
  if (wanted === null && unwanted.size === 0) return null;
  return (room) => (wanted === null || wanted.has(room)) && !unwanted.has(room);
}

function onType(wanted: readonly string[] | undefined, unwanted: readonly string[] | undefined): EventTest[] {
  const tests: EventTest[] = [];
  if (wanted !== undefined) {
    const matches = typeTest(wanted);
    tests.push(({ type }) => matches(type));
  }
  if (unwanted !== undefined && unwanted.length > 0) {
    const matches = typeTest(unwanted);
    tests.push(({ type }) => !matches(type));
  }
  return tests;
}

function onSender(
  wanted: readonly string[] | undefined,
  unwanted: readonly string[] | undefined,
): EventTest[] {
  const tests: EventTest[] = [];
  if (wanted !== undefined) {
    const senders = new Set(wanted);
    tests.push(({ sender }) => senders.has(sender));
  }
  if (unwanted !== undefined && unwanted.length > 0) {
    const senders = new Set(unwanted);
    tests.push(({ sender }) => !senders.has(sender));
  }
  return tests;
}

function onUrl(contains: boolean | undefined): EventTest[] {
  return contains === undefined ? [] : [(event) => Object.hasOwn(event.content(), 'url') === contains];
}

/** Types may hold `*` for any run of characters. */
function typeTest(types: readonly string[]): (type: string) => boolean {
  const exact = new Set(types.filter((type) => !type.includes('*')));
  const globs = types.filter((type) => type.includes('*')).map((type) => type.split('*'));
  return (type) => exact.has(type) || globs.some((pieces) => matchesPieces(type, pieces));
}

/** The pieces between the stars, in order and apart, the first at the start and the last at the end. */
function matchesPieces(type: string, pieces: readonly string[]): boolean {
  const first = pieces[0] ?? '';
  const last = pieces[pieces.length - 1] ?? '';
  if (!type.startsWith(first) || !type.endsWith(last) || type.length < first.length + last.length)
    return false;
  let at = first.length;
  const end = type.length - last.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = type.indexOf(piece, at);
    if (found === -1 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
