import type { FutureStore, Ms, StateKey, Timers } from '@matrix-futures/engine';

const lookAgain: Ms = 20;
/** Longer than any request may keep a key. */
const lease: Ms = 60_000;

/** Runs something while nobody else changes that state key, as soon as the key is free. */
export async function inTurnOfStateKey(
  store: FutureStore,
  timers: Timers,
  key: StateKey,
  run: () => Promise<void>,
): Promise<void> {
  for (;;) {
    await using lock = await store.lockState(key, lease);
    if (lock !== null) return await run();
    await new Promise<void>((resolve) => void timers.after(lookAgain, resolve));
  }
}
