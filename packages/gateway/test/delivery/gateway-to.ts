import { type Gateway, type KindName, openGateway } from '../../src/index.ts';
import { type Asked, type Reply, startHomeserver, timers } from '../homeserver.ts';

/** What its wall clock says. */
export const now = 1_765_000_000_000;

/** A gateway in front of a homeserver that answers so; it is not started, so nothing is asked but by the test. */
export async function gatewayTo(
  answer: (asked: Asked) => Reply,
  kind: KindName = 'other',
): Promise<
  AsyncDisposable & {
    readonly port: Gateway['port'];
    readonly asked: readonly Asked[];
    readonly troubles: string[];
  }
> {
  const homeserver = await startHomeserver(answer);
  const troubles: string[] = [];
  const registration = {
    ...{ id: 'one', asToken: 'as', hsToken: 'hs', url: null },
    ...{ senderLocalpart: 'one', users: [], rooms: [] },
  };
  const gateway = openGateway({
    ...{ upstreamUrl: homeserver.url, kind, synapseAdminToken: null, timers },
    registrations: { puppet: registration, listener: registration },
    clock: { now: () => performance.now(), wall: () => now },
    onTrouble: (trouble) => troubles.push(trouble.message),
  });
  return {
    ...{ port: gateway.port, asked: homeserver.asked, troubles },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await homeserver[Symbol.asyncDispose]();
    },
  };
}
