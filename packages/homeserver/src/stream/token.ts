/**
 * Tokens of `/sync`, `/messages` and `/members`: the point just after a stream position. One form for all of them,
 * so that a client can page back from where a sync began.
 */

/** @returns `s` and the position */
export function formatToken(position: number): string {
  return `s${position}`;
}

/** @returns null when the text is no token of ours */
export function parseToken(text: string): number | null {
  return /^s(?:0|[1-9]\d{0,14})$/.test(text) ? Number(text.slice(1)) : null;
}
