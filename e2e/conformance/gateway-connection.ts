import { timers } from '@matrix-futures/cli';
import type { Connection } from '@matrix-futures/engine/conformance';
import { type KindName, kinds, openGateway, type Registrations } from '@matrix-futures/gateway';

export interface ConnectionOptions {
  readonly url: string;
  readonly registrations: Registrations;
  /** `as_token` of the puppet, where it is not that of its registration */
  readonly token?: string | undefined;
  /** of an administrator of Synapse */
  readonly synapseAdminToken?: string;
  /** what the gateway is to take it for; null: that is not known */
  readonly takenFor: KindName | null;
}

/** A gateway's port to a homeserver: it knows which kind that is when this resolves. */
export async function connectGateway(options: ConnectionOptions): Promise<Connection> {
  const { url, registrations, token, synapseAdminToken = null, takenFor } = options;
  const { puppet, listener } = registrations;
  const troubles: string[] = [];
  const gateway = openGateway({
    upstreamUrl: url,
    kind: null,
    registrations: { listener, puppet: token === undefined ? puppet : { ...puppet, asToken: token } },
    synapseAdminToken,
    clock: { now: () => performance.now(), wall: () => Date.now() },
    timers,
    onTrouble: ({ message }) => troubles.push(message),
  });
  await gateway.recognise();
  await gateway.start();
  const { name } = gateway.kind();
  if (takenFor !== null && name !== kinds[takenFor].name)
    throw new Error(`${takenFor} was taken for ${name}`);
  // Nobody listens for pushes here, which is none of these tests' affair.
  troubles.length = 0;
  return { port: gateway.port, troubles, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}
