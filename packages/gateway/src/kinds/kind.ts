import type { Ms } from '@matrix-futures/engine';

/**
 * What is known of a homeserver that decides how an event gets into a room exactly once. Seen on running servers:
 * Synapse 1.163.2, Dendrite 0.15.2. Read from their source: tuwunel 1.9.0, continuwuity 26.8, palpo 0.4.0.
 */
export interface HomeserverKind {
  readonly name: string;
  /**
   * The same `PUT /send` again never makes a second event (`durable`), or may after a restart (`forgets`). About
   * message events only: no homeserver remembers the requests that set state, and not all those that redact.
   */
  readonly memory: 'durable' | 'forgets';
  /** `unsigned.transaction_id` is shown to the puppet in `/messages`. Without it, an event is recognised by its content. */
  readonly showsTransactionIds: boolean;
  /** `unsigned.replaces_state` names the state event before. Without it, the room's timeline has to be walked. */
  readonly linksState: boolean;
  /**
   * `/messages` filters before it counts. Dendrite does so after it: of a busy room a page may show nothing, and there
   * is no telling from it how far back it went.
   */
  readonly filtersFirst: boolean;
  /**
   * A 200 for `PUT /state` means that this very request was judged. Dendrite answers it with somebody else's event of the
   * same content, to users outside the room too.
   */
  readonly provesState: boolean;
  /** An `m.room.message` without `msgtype` or `body` is refused: Synapse. Dendrite takes it; of the others it is not known. */
  readonly wantsWholeMessages: boolean;
  /** When a connection ended, its request may still have an effect for so long (Dendrite: up to 117 ms were seen). */
  readonly afterConnection: Ms;
  /**
   * When it answered 500 itself, the request may still have an effect for so long; null: that is not known. From their
   * sources: Synapse has ended all of it by then (502 or 504 where another of its workers may go on), but a worker that
   * is asked next may be behind the one that wrote; Dendrite, stopped in the middle, answers 500 and goes on when it
   * starts again.
   */
  readonly afterError: Ms | null;
  /**
   * What whoami calls the device of an application service's user, whoever that is; null: nothing. On any other
   * homeserver a user may have named a device so, and is not to pass for a service.
   */
  readonly serviceDevice: string | null;
}

const common = {
  afterConnection: 2_000,
  afterError: null,
  linksState: false,
  filtersFirst: false,
  provesState: true,
  showsTransactionIds: false,
  wantsWholeMessages: false,
  serviceDevice: null,
};

/** By the names of `--upstream-kind`. */
export const kinds = {
  synapse: {
    ...common,
    name: 'Synapse',
    memory: 'forgets',
    afterError: 2_000,
    showsTransactionIds: true,
    linksState: true,
    filtersFirst: true,
    wantsWholeMessages: true,
  },
  dendrite: {
    ...common,
    name: 'Dendrite',
    memory: 'forgets',
    provesState: false,
    serviceDevice: 'AS_Device',
  },
  tuwunel: { ...common, name: 'tuwunel', memory: 'durable' },
  continuwuity: { ...common, name: 'continuwuity', memory: 'durable' },
  palpo: { ...common, name: 'palpo', memory: 'durable' },
  /** Nobody knows it: nothing is taken for granted. */
  other: { ...common, name: 'unknown', memory: 'forgets', provesState: false },
} as const satisfies Record<string, HomeserverKind>;

export type KindName = keyof typeof kinds;
