import type { Clock, Ms, Timers } from '@matrix-futures/engine';
import type { LoadedRegistrations } from '../registration/load.ts';
import { asking, type Asked } from './asking.ts';
import { type Check, type Finding, unchecked } from './check.ts';
import { diskIsFast, tokenKeyIsSafe } from './data-directory.ts';
import {
  futuresReachGateway,
  gatewayAnswers,
  listenerIsHidden,
  noSpellingSlipsBy,
  plainReachesHomeserver,
  type Probe,
  versionsAreAdvertised,
} from './front.ts';
import { answers, clocksAgree, ownDelaysAreOff } from './homeserver.ts';
import { listenerHears, listenerRefusesStrangers } from './listener.ts';
import { canMasquerade, filesAreSafe, isLoaded } from './registrations.ts';

/** A set-up to be looked at. What is null was not named, and is not checked. */
export interface SetUp {
  /** the homeserver itself */
  readonly upstream: string;
  readonly loaded: LoadedRegistrations;
  readonly gateway: string | null;
  /** what clients reach */
  readonly publicUrl: string | null;
  readonly dataDirectory: string | null;
  /** somebody who is registered */
  readonly user: string | null;
  /** requests that only the gateway may answer */
  readonly probes: {
    readonly usual: readonly Probe[];
    /** in spellings that no client uses */
    readonly odd: readonly Probe[];
  };
}

/** What the checks measure with. */
export interface Instruments {
  readonly clock: Pick<Clock, 'wall'>;
  readonly timers: Timers;
  /** milliseconds, with a fraction, that only grow */
  readonly elapsed: () => Ms;
}

/** One check and what it found. */
export interface Examined {
  readonly name: string;
  readonly finding: Finding;
}

/** Runs every check, one after another, and tells each finding when it is there. Nothing is changed anywhere. */
export async function* examine(setUp: SetUp, instruments: Instruments): AsyncGenerator<Examined> {
  const servers: Asked[] = [];
  const server = (url: string): Asked => {
    const asked = asking(url, instruments.timers);
    servers.push(asked);
    return asked;
  };
  try {
    for (const { name, run } of checksOf(setUp, instruments, server)) yield { name, finding: await run() };
  } finally {
    for (const one of servers) one.close();
  }
}

function checksOf(
  { upstream: url, loaded, gateway, publicUrl, dataDirectory, user, probes }: SetUp,
  { clock, timers, elapsed }: Instruments,
  server: (url: string) => Asked,
): readonly Check[] {
  const upstream = server(url);
  const { puppet, listener } = loaded.registrations;
  return [
    filesAreSafe(loaded),
    answers(upstream),
    isLoaded(upstream, 'puppet', puppet),
    isLoaded(upstream, 'listener', listener),
    canMasquerade(upstream, loaded.registrations, user),
    listenerHears(upstream, listener, timers),
    listenerRefusesStrangers(listener, timers),
    clocksAgree(upstream, clock),
    ownDelaysAreOff(upstream, listener.asToken),
    ...named(gateway, '--gateway', 'the gateway answers', (at) => [gatewayAnswers(server(at))]),
    ...named(publicUrl, '--public-url', 'what clients reach', (at) => {
      const front = server(at);
      return [
        versionsAreAdvertised(front),
        futuresReachGateway(front, probes.usual),
        noSpellingSlipsBy(front, probes.odd),
        plainReachesHomeserver(front),
        listenerIsHidden(front),
      ];
    }),
    ...named(dataDirectory, '--data-dir', 'the data directory', (at) => [
      diskIsFast(at, elapsed),
      tokenKeyIsSafe(at),
    ]),
  ];
}

function named(
  value: string | null,
  flag: string,
  name: string,
  checks: (value: string) => readonly Check[],
): readonly Check[] {
  if (value !== null) return checks(value);
  return [{ name, run: () => Promise.resolve(unchecked(`say where: ${flag}`)) }];
}
