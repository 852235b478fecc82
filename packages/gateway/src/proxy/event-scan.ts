import type { EventId, UserId } from '@matrix-futures/engine';

/** An event found in an answer's text. */
export interface FoundEvent {
  readonly id: EventId;
  /** Where a member can be added to its `unsigned`. */
  readonly unsigned: Place;
}

/** Byte offset of an insertion, and what it has to bring along. */
export interface Place {
  readonly at: number;
  /** `new`: the event has no `unsigned`, and `at` is before its closing brace; else `at` is behind the opening one */
  readonly object: 'new' | 'empty' | 'filled';
}

/** An object or array that is open where the scan is. */
interface Open {
  readonly isObject: boolean;
  /** inside an event's `content`, where nothing is an event */
  readonly isContent: boolean;
  /** the next string is a key */
  expectsKey: boolean;
  key: string;
  id: string | null;
  isOwn: boolean;
  unsigned: Place | null;
}

const quote = 0x22;
const backslash = 0x5c;

/** Bytes between two pauses: 0.2 ms. */
const step = 32 * 1024;

/**
 * Finds a user's own events anywhere in a JSON text, in steps: it yields after every 32 KiB. The text is not made into
 * objects and back, which would lose what JavaScript's numbers cannot hold. A text that is no JSON gives what it gives.
 */
export function* findOwnEvents(text: Buffer, sender: UserId): Generator<undefined, FoundEvent[]> {
  const found: FoundEvent[] = [];
  const open: Open[] = [];
  let pauseAt = step;
  for (let index = 0; index < text.length; index += 1) {
    if (index >= pauseAt) {
      pauseAt = index + step;
      yield;
    }
    const top = open.at(-1);
    switch (text[index]) {
      case 0x7b: // {
      case 0x5b: // [
        open.push(begin(top, text, index));
        break;
      case 0x7d: // }
        if (top?.id != null && top.isOwn && !top.isContent)
          found.push({ id: top.id, unsigned: top.unsigned ?? { at: index, object: 'new' } });
        open.pop();
        break;
      case 0x5d: // ]
        open.pop();
        break;
      case 0x2c: // ,
        if (top !== undefined) top.expectsKey = top.isObject;
        break;
      case 0x3a: // :
        if (top !== undefined) top.expectsKey = false;
        break;
      case quote: {
        const end = endOfString(text, index);
        if (top !== undefined) take(top, text, index, end, sender);
        index = end;
        break;
      }
      default:
    }
  }
  return found;
}

function begin(parent: Open | undefined, text: Buffer, index: number): Open {
  const isObject = text[index] === 0x7b;
  const isContent =
    parent !== undefined && (parent.isContent || (parent.isObject && parent.key === 'content'));
  if (isObject && parent?.isObject === true && parent.key === 'unsigned')
    parent.unsigned = { at: index + 1, object: isEmpty(text, index + 1) ? 'empty' : 'filled' };
  return { isObject, isContent, expectsKey: isObject, key: '', id: null, isOwn: false, unsigned: null };
}

function isEmpty(text: Buffer, index: number): boolean {
  while (text[index] === 0x20 || text[index] === 0x0a || text[index] === 0x0d || text[index] === 0x09)
    index += 1;
  return text[index] === 0x7d;
}

/** Offset of a string's closing quote: the first one behind an even number of backslashes. */
function endOfString(text: Buffer, start: number): number {
  for (let end = text.indexOf(quote, start + 1); end !== -1; end = text.indexOf(quote, end + 1)) {
    let before = end - 1;
    while (text[before] === backslash) before -= 1;
    if ((end - before) % 2 === 1) return end;
  }
  return text.length;
}

/** Longer strings are neither ids nor users. */
const longest = 600;

function take(top: Open, text: Buffer, start: number, end: number, sender: UserId): void {
  if (top.expectsKey) {
    top.key = end - start > 20 ? '' : text.toString('latin1', start + 1, end);
    return;
  }
  if (!top.isObject || end - start > longest) return;
  if (top.key === 'event_id') top.id = valueOf(text, start, end);
  else if (top.key === 'sender') top.isOwn = valueOf(text, start, end) === sender;
}

function valueOf(text: Buffer, start: number, end: number): string | null {
  try {
    const value: unknown = JSON.parse(text.toString('utf8', start, end + 1));
    return typeof value === 'string' ? value : null;
  } catch {
    return null;
  }
}
