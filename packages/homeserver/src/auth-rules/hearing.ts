import { stringMember } from '../events/json-member.ts';
import type { UnsignedPdu } from '../events/pdu.ts';
import type { RoomVersion } from '../room-versions/room-version.ts';
import type { AuthEvent, AuthState } from './auth-state.ts';
import type { PowerLevels } from './power-levels.ts';

/** One question to the rules, with what nearly every rule reads. */
export interface Hearing {
  readonly event: UnsignedPdu;
  readonly state: AuthState;
  readonly version: RoomVersion;
  readonly create: AuthEvent;
  readonly levels: PowerLevels;
  readonly signedBy: (server: string) => boolean;
}

/** What the state says a user is to the room; `leave` for who never was there. */
export function membershipOf({ state }: Hearing, user: string): string {
  const content = state('m.room.member', user)?.content ?? {};
  return stringMember(content, 'membership') ?? 'leave';
}
