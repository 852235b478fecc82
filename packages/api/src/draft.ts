import type { Draft, DraftExtras } from '@matrix-futures/engine';
import type { Requester } from '@matrix-futures/http';
import { heartbeatFeature } from './heartbeat.ts';
import type { QueryTexts } from './query-texts.ts';
import { parseWholeNumber } from './whole-number.ts';

const timestamp = 'ts';
const stickyDuration = 'org.matrix.msc4354.sticky_duration_ms';

/** What may be said of any event beside when to send it: the first two are applied when it is sent. */
export const draftParameters: readonly string[] = [timestamp, stickyDuration, heartbeatFeature];

/** MSC4354: a sticky event is one for an hour at most. */
const longestSticky = 3_600_000;

/** What is to be sent, and where. Whether the room wants it is judged when it is sent, its form by the homeserver. */
export interface DraftRequest {
  readonly requester: Requester;
  readonly room: string;
  readonly query: QueryTexts;
}

/** @throws MatrixError M_INVALID_PARAM */
export function draftOf(
  { requester, room, query }: DraftRequest,
  event: Pick<Draft, 'type' | 'stateKey' | 'content'>,
): Draft {
  return { room, sender: requester.user, ...event, extras: extrasOf(requester, query) };
}

/** `ts` is for application services; from others it is ignored, as everywhere. */
function extrasOf({ device, isService = device === null }: Requester, query: QueryTexts): DraftExtras {
  const ts = query[timestamp];
  const sticky = query[stickyDuration];
  return {
    ...(ts !== undefined &&
      isService && {
        ts: parseWholeNumber(ts, {
          name: timestamp,
          least: 0,
          most: Number.MAX_SAFE_INTEGER,
          unit: 'milliseconds',
        }),
      }),
    ...(sticky !== undefined && {
      stickyDurationMs: parseWholeNumber(sticky, {
        name: stickyDuration,
        least: 0,
        most: longestSticky,
        unit: 'milliseconds',
      }),
    }),
  };
}
