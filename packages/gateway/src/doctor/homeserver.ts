import type { Clock } from '@matrix-futures/engine';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { Asked } from './asking.ts';
import { errorCode, inShort, whereAnswered } from './asking.ts';
import { type Check, failed, type Finding, ok } from './check.ts';

/** What findings call it, and the flag that names it. */
export const homeserver = { is: 'The homeserver', flag: '--upstream' } as const;

const versions = Compile(
  Type.Object({
    versions: Type.Array(Type.String()),
    unstable_features: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  }),
);

const versionsPath = '/_matrix/client/versions';

/** The features that a server advertises; null: this is no answer to `/versions`. */
export function featuresOf(body: unknown): Readonly<Record<string, unknown>> | null {
  return versions.Check(body) ? (body.unstable_features ?? {}) : null;
}

/** Something listens where `--upstream` says, and it is a homeserver. */
export function answers(upstream: Asked): Check {
  return {
    name: 'the homeserver answers',
    run: () =>
      whereAnswered(upstream, homeserver, async () => {
        const answer = await upstream.ask({ method: 'GET', path: versionsPath });
        return answer.status === 200 && featuresOf(answer.body) !== null
          ? ok(`${upstream.url} serves the client-server API`)
          : failed(
              `${upstream.url} answers /versions with ${inShort(answer)}`,
              'let --upstream be the address of the homeserver itself, behind every proxy',
            );
      }),
  };
}

/** Headers tell whole seconds, and a request takes its time. */
const tolerance = 2_000;

/** A timer's event is asked to have the time of its deadline, which a homeserver whose clock is behind would not take. */
export function clocksAgree(upstream: Asked, clock: Pick<Clock, 'wall'>): Check {
  return {
    name: 'clocks agree',
    run: () =>
      whereAnswered(upstream, homeserver, async () => {
        const before = clock.wall();
        const { headers } = await upstream.ask({ method: 'GET', path: versionsPath });
        return judgeClock(headers.date, (before + clock.wall()) / 2);
      }),
  };
}

function judgeClock(header: string | undefined, here: number): Finding {
  const there = parseDate(header ?? '');
  if (there === null) return { kind: 'unchecked', because: 'the homeserver does not say what time it is' };
  // The middle of the second that the header names.
  const ahead = Math.round((there + 500 - here) / 100) / 10;
  return Math.abs(ahead) * 1_000 <= tolerance + 500
    ? ok('within 2 s of each other')
    : failed(
        `the homeserver is ${Math.abs(ahead)} s ${ahead > 0 ? 'ahead' : 'behind'}`,
        'have both machines set their clocks by the network (chrony, systemd-timesyncd)',
      );
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Milliseconds since 1970 of an HTTP date (RFC 9110, section 5.6.7, the one form that may be written); null: it is none. */
function parseDate(text: string): number | null {
  const [, day, name = '', year, time] =
    /^\w{3}, (\d{2}) (\w{3}) (\d{4}) (\d{2}:\d{2}:\d{2}) GMT$/.exec(text) ?? [];
  const month = months.indexOf(name) + 1;
  if (month === 0) return null;
  return Temporal.Instant.from(`${year}-${String(month).padStart(2, '0')}-${day}T${time}Z`).epochMilliseconds;
}

const ownFeature = 'org.matrix.msc4140';

const ownCapability = Compile(
  Type.Object({
    capabilities: Type.Object({
      [`${ownFeature}.delayed_events`]: Type.Object({ max_delay_ms: Type.Number({ exclusiveMinimum: 0 }) }),
    }),
  }),
);

/**
 * A homeserver that delays events by itself would do so for every request that finds a way past the gateway, and nothing
 * here could cancel it.
 * @param token somebody's whom the homeserver knows
 */
export function ownDelaysAreOff(upstream: Asked, token: string): Check {
  return {
    name: "the homeserver's own delayed events are off",
    run: () =>
      whereAnswered(upstream, homeserver, async () => {
        const { body } = await upstream.ask({ method: 'GET', path: versionsPath });
        const capabilities = await upstream.ask({
          method: 'GET',
          path: '/_matrix/client/v3/capabilities',
          token,
        });
        const isOn = featuresOf(body)?.[ownFeature] === true || ownCapability.Check(capabilities.body);
        return isOn
          ? failed(
              'it delays events itself',
              'switch them off (Synapse: no max_event_delay_duration in homeserver.yaml) and restart it',
            )
          : ok(errorCode(capabilities) === null ? 'by flag and capability' : 'by flag');
      }),
  };
}
