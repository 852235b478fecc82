/** Path and query of a request's target, byte for byte; what is written as a whole URL loses its scheme and host. */
export function originForm(target: string): string {
  const path = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  return path.startsWith('/') ? path : `/${path}`;
}

/** The path of a request's target, not decoded. */
export function rawPath(target: string): string {
  return originForm(target).split('?', 1)[0] ?? '';
}

/**
 * The segments of a path behind `/_matrix/client/VERSION`, each decoded once; null: it is no such path. Synapse serves
 * most of them under `unstable` and `api/v1`, too.
 */
export function clientSegments(target: string): readonly string[] | null {
  const path = rawPath(target).replace(/\/{2,}/g, '/');
  const rest = /^\/_matrix\/client\/(?:r0|v\d+|unstable|api\/v1)\/(.*)$/.exec(path)?.[1];
  return rest?.split('/').map(decodeOnce) ?? null;
}

/** Decodes as a homeserver does; what cannot be decoded is left as it is. */
function decodeOnce(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
