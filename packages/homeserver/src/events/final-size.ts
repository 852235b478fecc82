import type { Draft } from '@matrix-futures/engine';
import { authEventKeys } from '../auth-rules/auth-event-keys.ts';
import type { RoomVersion } from '../room-versions/room-version.ts';
import { placeMembers } from './build-event.ts';
import { canonicalJson } from './canonical-json.ts';
import { joinMembers, writeMembers } from './event-json.ts';

/** What of an event's size depends on where it is sent. */
export interface Destination {
  readonly roomVersion: RoomVersion;
  readonly serverName: string;
  /** of the signing key: `ed25519:VERSION` */
  readonly keyId: string;
}

/** As long as every event id since room version 4: `$` and 43 digits of base64. */
const anyEventId = '$' + '0'.repeat(43);

/**
 * The most bytes that the event of a draft can have when it is sent, whatever the room's state is then: every auth
 * event that could be selected is counted, one previous event (one writer keeps the graph linear), and the longest
 * numbers. To be compared with `maxEventBytes`.
 * @throws BadEvent where the draft can never become an event
 */
export function finalSizeBound(draft: Draft, { roomVersion, serverName, keyId }: Destination): number {
  const { room, sender, type, stateKey, content, extras } = draft;
  const event = placeMembers({
    roomVersion,
    room,
    sender,
    type,
    stateKey,
    content,
    ...(extras.stickyDurationMs !== undefined && { stickyDurationMs: extras.stickyDurationMs }),
    prevEvents: [anyEventId],
    authEvents: [],
    depth: Number.MAX_SAFE_INTEGER,
    originServerTs: extras.ts ?? Number.MAX_SAFE_INTEGER,
  });
  const members = {
    ...writeMembers({ ...event, auth_events: authEventKeys(event, roomVersion).map(() => anyEventId) }),
    hashes: canonicalJson({ sha256: '0'.repeat(43) }),
    signatures: canonicalJson({ [serverName]: { [keyId]: '0'.repeat(86) } }),
  };
  return Buffer.byteLength(joinMembers(members));
}
