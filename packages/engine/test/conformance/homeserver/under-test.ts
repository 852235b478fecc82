import type { LocalHomeserver, RemoteHomeserver } from '@matrix-futures/engine';

/** A login of an account of the homeserver. */
export interface Login {
  /** `@local:server` */
  readonly user: string;
  readonly token: string;
}

/** How the tests set the scene and look, all of it beside the port: by the homeserver's client-server API. */
interface Surroundings extends AsyncDisposable {
  /** of the client-server API, without `/_matrix` */
  readonly url: string;
  /** It takes events that stick (MSC4354). */
  readonly sticks: boolean;
  /** Makes an account. @param password null: it needs none */
  register(name: string, password: string | null): Promise<Login>;
}

export interface LocalUnderTest extends Surroundings {
  readonly kind: 'local';
  readonly port: LocalHomeserver;
  /** Runs `work` as one unit of the homeserver's database. */
  unit<R>(work: () => R): Promise<R>;
}

export interface RemoteUnderTest extends Surroundings {
  readonly kind: 'remote';
  /**
   * A port of its own, that knows nothing yet.
   * @param to where it finds the homeserver, and the token it shows there; without them, as it should be
   */
  connect(to?: { readonly url?: string; readonly token?: string }): Promise<Connection>;
  /** It makes an account of whomever an application service acts for. */
  readonly makesUsers: boolean;
  /** Ends the homeserver and starts it again with what it has stored, at the same address; null: that cannot be done. */
  readonly restart: (() => Promise<void>) | null;
}

export interface Connection extends AsyncDisposable {
  readonly port: RemoteHomeserver;
  /** what it has told the operator */
  readonly troubles: readonly string[];
}

export type HomeserverUnderTest = LocalUnderTest | RemoteUnderTest;
