import type { JsonValue } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';

/** The fields that room members show too. */
export function isShownInRooms(field: string): boolean {
  return field === 'displayname' || field === 'avatar_url';
}

/**
 * @throws MatrixError `invalidParam` for a name that no field can have, 400 `M_KEY_TOO_LARGE` for a long one
 * (client-server API, "Profiles": the Common Namespaced Identifier Grammar)
 */
export function requireField(name: string): string {
  if (name.length > 255)
    throw new MatrixError({ status: 400, errcode: 'M_KEY_TOO_LARGE' }, 'At most 255 bytes');
  if (!isShownInRooms(name) && !/^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+$/.test(name)) {
    throw new MatrixError('invalidParam', 'Not the name of a profile field');
  }
  return name;
}

/** Both go into every member event, whose 64 KiB they must leave alone. */
const maxDisplayName = 256;
const maxAvatarUrl = 1_000;

/** The value as it is stored; an empty name or address clears the field. @throws MatrixError `invalidParam` */
export function requireValue(field: string, value: JsonValue): JsonValue {
  if (!isShownInRooms(field) || value === null || value === '') return value === '' ? null : value;
  if (typeof value !== 'string') throw new MatrixError('invalidParam', `${field} is a string`);
  if (field === 'displayname' && value.length > maxDisplayName) {
    throw new MatrixError('invalidParam', `A display name has at most ${maxDisplayName} characters`);
  }
  if (field === 'avatar_url' && (!value.startsWith('mxc://') || value.length > maxAvatarUrl)) {
    throw new MatrixError('invalidParam', 'An avatar is an mxc:// address');
  }
  return value;
}
