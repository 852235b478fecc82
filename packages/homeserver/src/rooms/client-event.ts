import type { JsonObject, UserId } from '@matrix-futures/engine';
import { toClientEvent, type ClientEvent } from '../events/client-event.ts';
import type { RoomStore } from './room-store.ts';
import { contentOf, pduOf, type StoredEvent } from './stored-event.ts';

/** Who looks: some of `unsigned` is for the sender, or the sending device, alone. */
export interface Viewer {
  readonly user: UserId;
  readonly device: string | null;
}

/** Events as clients see them, with what the rest of the store knows of them in `unsigned`. */
export interface ClientEvents {
  /** with `room_id` */
  whole(event: StoredEvent, viewer: Viewer): ClientEvent;
  /** as `/sync` has it: without `room_id`, which it names once */
  inRoom(event: StoredEvent, viewer: Viewer): ClientEvent;
}

/** What of `unsigned` is shown, where homeservers differ. */
export interface Shown {
  /** `transaction_id`, in events that are told one by one, and not only in `/sync` */
  readonly transactionIds: boolean;
  /** `replaces_state` and `prev_sender` */
  readonly replacedState: boolean;
}

/** This homeserver's own. */
export const shown: Shown = { transactionIds: true, replacedState: true };

/** @param wall milliseconds since 1970, for `age` */
export function createClientEvents(store: RoomStore, shows: Shown, wall: () => number): ClientEvents {
  const convert = (event: StoredEvent, viewer: Viewer, named: boolean): ClientEvent =>
    toClientEvent(pduOf(event), {
      eventId: event.eventId,
      version: store.version(event.roomId),
      room: named ? event.roomId : null,
      unsigned: unsigned(event, viewer, named),
    });

  const unsigned = (event: StoredEvent, viewer: Viewer, named: boolean): JsonObject => {
    const own = event.sender === viewer.user;
    const replaced = event.replacesState === null ? undefined : store.event(event.replacesState);
    const redaction = event.redactedBy === null ? undefined : store.event(event.redactedBy);
    return {
      age: Math.max(0, wall() - event.originServerTs),
      ...(replaced && {
        ...(shows.replacedState && { replaces_state: replaced.eventId, prev_sender: replaced.sender }),
        prev_content: contentOf(replaced),
      }),
      ...(redaction && { redacted_because: convert(redaction, viewer, named) }),
      ...(own &&
        (shows.transactionIds || !named) &&
        event.transactionId !== null &&
        event.transactionDevice === (viewer.device ?? '') && { transaction_id: event.transactionId }),
      ...(own && delayed(event)),
    };
  };

  return {
    whole: (event, viewer) => convert(event, viewer, true),
    inRoom: (event, viewer) => convert(event, viewer, false),
  };
}

/**
 * The id of the future that sent the event (MSC4140, "`delay_id` in `unsigned` event data"). Clients of the delay
 * parameter know the unstable name only.
 */
function delayed({ delayId, delayGeneration }: StoredEvent): JsonObject {
  if (delayId === null) return {};
  return {
    'org.matrix.msc4140.delay_id': delayId,
    ...(delayGeneration === 'delayed-events' && { delay_id: delayId }),
  };
}
