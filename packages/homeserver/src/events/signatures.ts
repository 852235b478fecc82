import type { JsonObject } from '@matrix-futures/engine';
import type { RoomVersion } from '../room-versions/room-version.ts';
import { canonicalJson } from './canonical-json.ts';
import { essentialJson } from './hashes.ts';
import { objectMember, stringMember, without } from './json-member.ts';
import type { Pdu } from './pdu.ts';
import { isTextSigned, signText, type SigningKey, type VerifyKey } from './signing-key.ts';

/** The key of that id (`ed25519:VERSION`) of the server that is asked about; undefined where it is not known. */
export type FindKey = (keyId: string) => VerifyKey | undefined;

/** Adds the server's signature to those that are there (Matrix specification, appendices, "Signing Details"). */
export function signJson(object: JsonObject, server: string, key: SigningKey): JsonObject {
  const signatures = objectMember(object, 'signatures') ?? {};
  const ofServer = { ...objectMember(signatures, server), [key.id]: signText(signedText(object), key) };
  return { ...object, signatures: { ...signatures, [server]: ofServer } };
}

/** Has that server (or other entity) signed the object? Any one valid signature by a known key says so (appendices,
 * "Checking for a Signature"). */
export function isSignedBy(object: JsonObject, server: string, findKey: FindKey): boolean {
  return hasSignature(object, server, findKey, () => signedText(object));
}

/** The same of an event, whose signatures cover its redacted form (server-server API, "Signing Events"). */
export function isEventSignedBy(event: Pdu, version: RoomVersion, server: string, findKey: FindKey): boolean {
  return hasSignature(event, server, findKey, () => essentialJson(event, version));
}

function hasSignature(object: JsonObject, server: string, findKey: FindKey, text: () => string): boolean {
  const ofServer = objectMember(objectMember(object, 'signatures') ?? {}, server) ?? {};
  return Object.keys(ofServer).some((keyId) => {
    const signature = stringMember(ofServer, keyId);
    const key = keyId.startsWith('ed25519:') ? findKey(keyId) : undefined;
    return signature !== undefined && key !== undefined && isTextSigned(text(), signature, key);
  });
}

function signedText(object: JsonObject): string {
  return canonicalJson(without(object, 'signatures', 'unsigned'));
}
