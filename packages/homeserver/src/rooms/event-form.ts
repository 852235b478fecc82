import type { Draft, Refusal } from '@matrix-futures/engine';
import { errors, type ErrorName } from '@matrix-futures/http';
import { BadEvent } from '../events/bad-event.ts';
import { maxEventBytes, maxMemberBytes } from '../events/build-event.ts';
import { finalSizeBound } from '../events/final-size.ts';
import { stringMember } from '../events/json-member.ts';
import { roomVersions } from '../room-versions/room-version.ts';

/** The server that would sign the event. */
export interface Signer {
  readonly serverName: string;
  readonly keyId: string;
}

/**
 * What is wrong with a draft whatever room it goes to: its room id, its size in its final form, what its type must
 * carry. One judgement for plain sends, for scheduling a future and for the future's event.
 * @returns null: nothing is wrong
 */
export function judgeForm(draft: Draft, signer: Signer): Refusal | null {
  return judgePlace(draft) ?? judgeContent(draft) ?? judgeSize(draft, signer);
}

/** The part of `judgeForm` that looks at where an event goes: room id and type. */
export function judgePlace(draft: Draft): Refusal | null {
  if (!isRoomId(draft.room)) return refusal('invalidParam', notRoomId(draft.room));
  if (draft.type === '') return refusal('invalidParam', 'The event type is empty.');
  return null;
}

/** `!` and something opaque: a room id of version 12 has no server name in it. */
export function isRoomId(text: string): boolean {
  return /^![^\0]+$/s.test(text) && Buffer.byteLength(text) <= maxMemberBytes;
}

/** For people; a long text is cut. */
export function notRoomId(text: string): string {
  return `"${shortened(text)}" is not a room id: it starts with "!" and has at most ${maxMemberBytes} bytes.`;
}

/** An error of the table, as a value. */
export function refusal(name: ErrorName, error: string): Refusal {
  return { ...errors[name], error };
}

/** Clients cannot show a message without these, nor act on a redaction without a target. */
function judgeContent({ type, stateKey, content }: Draft): Refusal | null {
  if (type === 'm.room.message' && stateKey === null) {
    for (const name of ['msgtype', 'body']) {
      if (stringMember(content, name) === undefined) {
        return refusal('badJson', `An m.room.message needs the string "${name}" in its content.`);
      }
    }
  }
  if (type === 'm.room.redaction' && stateKey === null && stringMember(content, 'redacts') === undefined) {
    return refusal('badJson', 'An m.room.redaction needs the id of an event as "redacts" in its content.');
  }
  return null;
}

/** Room version 10 has the longest events: it lists the create event among its auth events. */
export function judgeSize(draft: Draft, signer: Signer): Refusal | null {
  try {
    const bytes = finalSizeBound(draft, { ...signer, roomVersion: roomVersions['10'] });
    if (bytes <= maxEventBytes) return null;
    return refusal(
      'tooLarge',
      `The event can become ${bytes} bytes with hashes and signatures; the limit is ${maxEventBytes}.`,
    );
  } catch (error) {
    if (!(error instanceof BadEvent)) throw error;
    return refusal(error.reason === 'too-large' ? 'tooLarge' : 'badJson', error.message);
  }
}

function shortened(text: string): string {
  return text.length <= 64 ? text : `${text.slice(0, 64)}…`;
}
