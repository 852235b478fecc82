/** Unpadded base64 (Matrix specification, appendices, "Unpadded Base64"). */
export function encodeBase64(bytes: Uint8Array): string {
  return withoutPadding(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64'));
}

/** Drops the `=` that other writers of base64 end with. */
export function withoutPadding(base64: string): string {
  return base64.replace(/=+$/, '');
}

/**
 * The bytes, or null where the text is not base64. Padding may be there or not, as the specification asks; the
 * URL-safe alphabet is read too, which identity servers write keys in.
 */
export function decodeBase64(text: string): Uint8Array | null {
  return /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) && withoutPadding(text).length % 4 !== 1
    ? Buffer.from(text, 'base64')
    : null;
}
