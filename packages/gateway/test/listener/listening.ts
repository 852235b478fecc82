import type { EventId, StateKey, UserId } from '@matrix-futures/engine';
import type { Listening } from '../../src/listener/listener.ts';

const nameOf = ({ room, type, key }: StateKey): string => JSON.stringify([room, type, key]);

/** The engine as the listener sees it: what it was told, keys on which somebody has futures, keys that are locked. */
export class Futures implements Listening {
  readonly #owners = new Map<string, UserId>();
  readonly #locked = new Set<string>();
  readonly told: { readonly key: StateKey; readonly event: EventId; readonly sender: UserId }[] = [];
  /** told next time, instead of being told */
  error: Error | null = null;
  /** called when somebody finds a key locked */
  onLocked = (): void => {};

  own(key: StateKey, owner: UserId): void {
    this.#owners.set(nameOf(key), owner);
  }

  async ownerOn(key: StateKey): Promise<UserId | null> {
    return this.#owners.get(nameOf(key)) ?? null;
  }

  async stateArrived(key: StateKey, event: EventId, sender: UserId): Promise<void> {
    const { error } = this;
    this.error = null;
    if (error !== null) throw error;
    this.told.push({ key, event, sender });
  }

  async lockState(key: StateKey): Promise<AsyncDisposable | null> {
    const name = nameOf(key);
    if (this.#locked.has(name)) {
      this.onLocked();
      return null;
    }
    this.#locked.add(name);
    return { [Symbol.asyncDispose]: async () => void this.#locked.delete(name) };
  }
}
