import type { Endpoint } from '@matrix-futures/http';

/** What of a homeserver's URLs the gateway answers, for proxies that have to tell by the URL alone. */
export interface Front {
  /**
   * Paths below a room, from `rooms` on, up to the last part that is fixed; null stands for any one part. They are the
   * gateway's whatever is before them: what schedules must not reach the homeserver in some other spelling.
   */
  readonly inRooms: readonly Path[];
  /** Other paths, from behind `/_matrix/client` on, in the same form. What follows them is the gateway's, too. */
  readonly others: readonly Path[];
  /** Parameters of a query, on whatever path. */
  readonly parameters: readonly string[];
  /** The parts of paths that are followed by a secret. */
  readonly beforeSecrets: readonly string[];
}

export type Path = readonly (string | null)[];

/** Parameters of paths with which everybody can act who knows them. */
const secrets = new Set([':token', ':delayId']);

/**
 * Element Call takes every answer but 404 for the promise that a leave is delegated; the gateway is there to say 404,
 * whatever the homeserver behind it makes of the path.
 */
const noDelegation: Path = ['unstable', 'io.element.msc4195', 'rtc', 'livekit', 'delegate_delayed_leave'];

/** Reads it off the endpoints themselves, so that none can be forgotten. */
export function frontOf(endpoints: readonly Endpoint[]): Front {
  const paths = endpoints
    .filter(({ when }) => when === null)
    .flatMap((one) => one.paths.map((path) => path.split('/').slice(3)));
  const [inRooms, others] = [true, false].map((wanted) =>
    withoutLonger(
      paths
        .filter((path) => path.includes('rooms') === wanted)
        .map((path) => fixedPart(path.slice(Math.max(path.indexOf('rooms'), 0)))),
    ),
  );
  const parameters = endpoints.flatMap(({ when }) => when?.parameters ?? []);
  return {
    inRooms: inRooms ?? [],
    others: [...(others ?? []), noDelegation],
    parameters: [...new Set(parameters)],
    beforeSecrets: [
      ...new Set(paths.flatMap((path) => path.filter((_, index) => secrets.has(path[index + 1] ?? '')))),
    ],
  };
}

function fixedPart(path: readonly string[]): Path {
  const end = path.findLastIndex((part) => part !== '' && !part.startsWith(':'));
  return path.slice(0, end + 1).map((part) => (part.startsWith(':') ? null : part));
}

/** Each once, and none that only says more than another: what begins with the other is the gateway's already. */
function withoutLonger(paths: readonly Path[]): readonly Path[] {
  const begins = (path: Path, other: Path): boolean => other.every((part, index) => part === path[index]);
  return paths.filter(
    (path, index) =>
      !paths.some((other, at) => begins(path, other) && (other.length < path.length || at < index)),
  );
}
