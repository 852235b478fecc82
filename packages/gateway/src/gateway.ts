import type { Clock, RemoteHomeserver, Timers } from '@matrix-futures/engine';
import type { Authenticate, Endpoint } from '@matrix-futures/http';
import { Masquerades } from './delivery/masquerades.ts';
import type { OwnTrouble } from './delivery/own-trouble.ts';
import { createRemoteHomeserver } from './delivery/remote-homeserver.ts';
import { RoomReader } from './delivery/room-reader.ts';
import { synapseAccounts } from './delivery/synapse-account.ts';
import type { HomeserverKind, KindName } from './kinds/kind.ts';
import { RecognisedKind } from './kinds/recognised.ts';
import { listenerEndpoints } from './listener/endpoints.ts';
import { Listener, type Listening } from './listener/listener.ts';
import { pingListener } from './listener/ping.ts';
import type { LoginsChange } from './proxy/logins.ts';
import type { Registrations } from './registration/registration.ts';
import { Requesters } from './requesters/requesters.ts';
import { Puppet } from './upstream/puppet.ts';
import { Reachability } from './upstream/reachability.ts';
import { Upstream } from './upstream/upstream.ts';

export interface GatewayOptions {
  /** of the homeserver's client-server API, without `/_matrix` */
  readonly upstreamUrl: string;
  /** null: it says itself what it is */
  readonly kind: KindName | null;
  readonly registrations: Registrations;
  /** of an administrator of Synapse; null: what only administrators see is not looked at */
  readonly synapseAdminToken: string | null;
  readonly clock: Clock;
  readonly timers: Timers;
  /** told of what only the operator can mend */
  readonly onTrouble: (trouble: OwnTrouble) => void;
}

/** A homeserver that is elsewhere: who is asking there, how events get into its rooms, and what it tells of them. */
export interface Gateway extends AsyncDisposable {
  readonly port: RemoteHomeserver;
  readonly authenticate: Authenticate;
  /** Its last answer did not come, or was that of a proxy in front of it. */
  readonly isAway: boolean;
  /** What is known of the homeserver by now. */
  kind(): HomeserverKind;
  /** Logins have ended, or may have: who they were is asked again. */
  forgetLogins(change: LoginsChange): void;
  /** What the homeserver calls. */
  listenerEndpoints(listening: Listening): Endpoint[];
  /** Asks the homeserver what it is; resolves when it has said so, or has not for 5 s. */
  recognise(): Promise<void>;
  /** Asks the homeserver to push what it has kept, now and whenever it returns. Call it when listening. */
  start(): Promise<void>;
}

export function openGateway(options: GatewayOptions): Gateway {
  const { registrations, synapseAdminToken, clock, timers, onTrouble } = options;
  const { puppet: puppetRegistration, listener } = registrations;
  const upstream = new Upstream(options.upstreamUrl, timers);
  const reachability = new Reachability(upstream, timers);
  const recognised = new RecognisedKind(upstream, reachability, options.kind);
  const puppet = new Puppet(upstream, puppetRegistration.asToken);
  const masquerades = new Masquerades(puppet, clock);
  const rooms = new RoomReader(puppet, masquerades);
  const askedByStrangers = new Upstream(options.upstreamUrl, timers);
  const kind = (): HomeserverKind => recognised.current;
  const requesters = new Requesters(askedByStrangers, clock, timers, kind);
  const ping = (): Promise<void> => pingListener(upstream, listener).catch(onTrouble);
  return {
    port: createRemoteHomeserver({
      ...{ puppet, masquerades, rooms, kind, reachability, onTrouble },
      judgeAccount:
        synapseAdminToken === null
          ? () => Promise.resolve(null)
          : synapseAccounts(upstream, synapseAdminToken, onTrouble),
    }),
    authenticate: requesters.authenticate,
    get isAway() {
      return reachability.isAway;
    },
    kind,
    forgetLogins: (change) => requesters.forget(change),
    listenerEndpoints: (listening) =>
      listenerEndpoints({
        listener: new Listener(listening, rooms, timers),
        tokens: [listener.hsToken, puppetRegistration.hsToken],
      }),
    recognise: async () => {
      if (options.kind === null) await recognised.ask();
    },
    start: () => {
      reachability.onReturn(() => void ping());
      return ping();
    },
    [Symbol.asyncDispose]: async () => {
      reachability.close();
      upstream.close();
      askedByStrangers.close();
    },
  };
}
