import type { JsonObject } from '@matrix-futures/engine';
import { isObject, listMember, objectMember, stringMember } from '../events/json-member.ts';
import { isSignedBy } from '../events/signatures.ts';
import { parseVerifyKey, type VerifyKey } from '../events/signing-key.ts';

/**
 * Does any signature in `signed` match any public key in the `m.room.third_party_invite` event? Whatever the key is
 * called there: the invitation names keys without ids.
 * @param invite content of that event: `public_key`, and `public_keys` with a `public_key` each
 */
export function isInviteSigned(signed: JsonObject, invite: JsonObject): boolean {
  const entities = Object.keys(objectMember(signed, 'signatures') ?? {});
  const keys = publicKeysOf(invite);
  return entities.some((entity) => keys.some((key) => isSignedBy(signed, entity, () => key)));
}

function publicKeysOf(invite: JsonObject): readonly VerifyKey[] {
  const listed = (listMember(invite, 'public_keys') ?? []).filter(isObject);
  return [invite, ...listed]
    .map((holder) => parseVerifyKey(stringMember(holder, 'public_key') ?? ''))
    .filter((key) => key !== null);
}
