/** What matrix-js-sdk's clients and sessions are, as far as waiting for them goes. */
interface Emitter {
  on(event: never, listener: () => void): unknown;
  off(event: never, listener: () => void): unknown;
}

/**
 * What `look` finds, as soon as it finds something: at once, or after one of the events.
 *
 * @param look asked again after each event; undefined and false mean: not yet
 * @param what is said when nothing was found for 45 s, far more than any step takes
 */
export async function until<T>(
  emitter: Emitter,
  event: string,
  look: () => T | undefined | false,
  what: string,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const again = (): void => {
    const found = look();
    if (found !== undefined && found !== false) resolve(found);
  };
  const giveUp = setTimeout(() => reject(new Error(`waited in vain: ${what}`)), 45_000);
  emitter.on(event as never, again);
  try {
    again();
    return await promise;
  } finally {
    clearTimeout(giveUp);
    emitter.off(event as never, again);
  }
}
