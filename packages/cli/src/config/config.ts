import type { Generation, Limits, Ms, Retention } from '@matrix-futures/engine';
import type { Front, KindName } from '@matrix-futures/gateway';
import type { QuirkProfile } from '@matrix-futures/homeserver';
import { settings, type SettingName } from './settings.ts';
import { ConfigError, type Sources } from './sources.ts';
import {
  type Address,
  address,
  baseAddress,
  count,
  duration,
  listOf,
  oneOf,
  onOff,
  type Parse,
  serverName,
  size,
  text,
  webAddress,
  Wrong,
} from './values.ts';

/** What `serve` was configured with, judged; frozen. */
export interface Config {
  readonly listen: Address;
  readonly dataDir: string;
  readonly serverName: string;
  /** without a slash at its end; null: nobody said */
  readonly publicUrl: string | null;
  readonly openRegistration: boolean;
  readonly registrationSharedSecret: string | null;
  readonly defaultRoomVersion: '10' | '11' | '12';
  /** files, and directories of files */
  readonly appServices: readonly string[];
  /** the homeserver to imitate; null: none */
  readonly quirks: QuirkProfile | null;
  /** null: the homeserver is inside */
  readonly gateway: GatewayConfig | null;
  readonly generations: readonly Generation[];
  readonly limits: Limits;
  readonly retention: Retention;
  /** null: nowhere */
  readonly metricsListen: Address | null;
  readonly logLevel: LogLevel;
}

/** Futures in front of a homeserver that is elsewhere. */
export interface GatewayConfig {
  /** of its client-server API, without a slash at its end */
  readonly upstream: string;
  /** directory of puppet.yaml and listener.yaml */
  readonly registration: string;
  /** null: it says itself what it is */
  readonly kind: KindName | null;
  readonly front: Front;
  readonly delayIds: boolean;
  /** how long one attempt may take */
  readonly requestLimit: Ms;
  readonly synapseAdminTokenFile: string | null;
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

const kindNames = ['synapse', 'dendrite', 'tuwunel', 'continuwuity', 'palpo', 'other'] as const;

const quirkProfileNames = [
  'synapse',
  'dendrite',
  'tuwunel',
  'continuwuity',
  'palpo',
] as const satisfies readonly QuirkProfile[];

/** @throws ConfigError for the first value that makes no sense */
export function parseConfig(sources: Sources): Config {
  const optional = <T>(name: SettingName, parse: Parse<T>): T | null => {
    const given = sources.get(name);
    const written = given?.value ?? settings.find((setting) => setting.name === name)?.fallback ?? null;
    if (written === null) return null;
    const value = parse(written);
    if (value instanceof Wrong)
      throw new ConfigError(`${given?.from ?? name}: "${written}" is not ${value.expected}`);
    return value;
  };
  const required = <T>(name: SettingName, parse: Parse<T>): T => {
    const value = optional(name, parse);
    if (value === null) throw new ConfigError(`${name} is missing`);
    return value;
  };
  const upstream = optional('upstream', baseAddress);
  judgeHomes(sources, upstream === null ? 'inside' : 'elsewhere');
  const quirks = required('quirks', oneOf(['off', ...quirkProfileNames]));
  return freeze({
    listen: required('listen', address),
    dataDir: required('data-dir', text),
    serverName: required('server-name', serverName),
    publicUrl: optional('public-url', webAddress),
    openRegistration: required('open-registration', onOff),
    registrationSharedSecret: optional('registration-shared-secret', text),
    defaultRoomVersion: required('default-room-version', oneOf(['10', '11', '12'])),
    appServices: optional('app-services', listOf(text)) ?? [],
    quirks: quirks === 'off' ? null : quirks,
    gateway: upstream === null ? null : gatewayConfig(upstream, optional, required),
    generations: required('generations', listOf(oneOf(['futures', 'delay-parameter', 'delayed-events']))),
    limits: {
      perUser: required('rate-limits', onOff),
      maxTimeout: required('max-timeout', duration),
      pendingPerUser: required('max-futures-per-user', count),
      contentBytesPerUser: required('max-content-per-user', size),
      futuresPerGroup: required('max-futures-per-group', count),
      futuresPerStateKey: required('max-futures-per-state-key', count),
      scheduleBurst: required('max-schedules-at-once', count),
      schedulesPerSecond: required('max-schedules-per-second', count),
      listsPerSecond: required('max-lists-per-second', count),
      refreshesPerSecond: required('max-refreshes-per-second', count),
    },
    retention: {
      listed: required('keep-outcomes', duration),
      listedPerOwner: required('keep-outcomes-per-user', count),
      tombstones: required('keep-transactions', duration),
    },
    metricsListen: optional('metrics-listen', address),
    logLevel: required('log-level', oneOf(logLevels)),
  });
}

type Read = <T>(name: SettingName, parse: Parse<T>) => T;
type ReadOptional = <T>(name: SettingName, parse: Parse<T>) => T | null;

/** A setting of the other home would be without effect, and whoever wrote it believes that it has one. */
function judgeHomes(sources: Sources, home: 'inside' | 'elsewhere'): void {
  for (const setting of settings) {
    const from = sources.get(setting.name)?.from;
    if (from === undefined || !('home' in setting) || setting.home === home) continue;
    throw new ConfigError(
      home === 'inside'
        ? `${from} is about a homeserver that is elsewhere, and needs --upstream`
        : `${from} is about the homeserver inside, and --upstream names another one`,
    );
  }
}

function gatewayConfig(upstream: string, optional: ReadOptional, required: Read): GatewayConfig {
  const kind = required('upstream-kind', oneOf(['auto', ...kindNames]));
  const registration = optional('registration', text);
  if (registration === null)
    throw new ConfigError(
      'upstream needs registration, the directory of puppet.yaml and listener.yaml; ' +
        '"matrix-futures registration" writes them',
    );
  const front = required('front', oneOf(['paths', 'all']));
  const delayIds = required('delay-ids', onOff);
  if (delayIds && front === 'paths')
    throw new ConfigError('delay-ids needs --front all: with "paths", events do not come this way');
  return {
    upstream,
    registration,
    kind: kind === 'auto' ? null : kind,
    front,
    delayIds,
    requestLimit: required('upstream-time-limit', duration),
    synapseAdminTokenFile: optional('synapse-admin-token-file', text),
  };
}

function freeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) freeze(part);
  return Object.freeze(value);
}
