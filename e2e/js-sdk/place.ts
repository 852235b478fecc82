import { LastingServer } from '../lasting-server.ts';

/** A new server with nobody on it, and what serves futures there. */
export interface ServerOfPlace extends AsyncDisposable {
  /** what clients ask, without a slash at its end */
  readonly url: string;
  /** Ends what serves futures; resolves when the process is gone. */
  stop(signal: NodeJS.Signals): Promise<void>;
  /** With the same data, at the same address. */
  startAgain(): Promise<void>;
}

/** Where a suite runs. */
export interface Place {
  readonly name: string;
  /** Its homeserver says that its syncs tell of sticky events (MSC4354). */
  readonly syncsStickyEvents: boolean;
  /** What serves futures hears of new state a moment after those in the room. */
  readonly hearsOfStateLater: boolean;
  /** @param flags of what serves futures, beside those that it needs to run */
  open(flags: readonly string[]): Promise<ServerOfPlace>;
}

/** The server with its own homeserver inside. */
export const inside: Place = {
  name: 'the homeserver inside',
  syncsStickyEvents: false,
  hearsOfStateLater: false,
  open: (flags) => LastingServer.start(['--open-registration', ...flags]),
};
