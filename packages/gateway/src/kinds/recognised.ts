import { HomeserverUnavailable } from '@matrix-futures/engine';
import type { Upstream } from '../upstream/upstream.ts';
import type { Reachability } from '../upstream/reachability.ts';
import { type HomeserverKind, type KindName, kinds } from './kind.ts';
import { recogniseKind } from './recognise.ts';

/**
 * The kind of the homeserver behind the gateway, as it is configured or as it says itself. A homeserver that is away
 * when the gateway starts says so later, and one that comes back may have become another.
 */
export class RecognisedKind {
  readonly #upstream: Upstream;
  #name: KindName;

  /** @param configured null: it is asked, now and whenever it returns */
  constructor(upstream: Upstream, reachability: Reachability, configured: KindName | null) {
    this.#upstream = upstream;
    this.#name = configured ?? 'other';
    if (configured === null) reachability.onReturn(() => void this.ask());
  }

  get current(): HomeserverKind {
    return kinds[this.#name];
  }

  async ask(): Promise<void> {
    try {
      this.#name = await recogniseKind(this.#upstream);
    } catch (error) {
      if (!(error instanceof HomeserverUnavailable)) throw error;
    }
  }
}
