import { join } from 'node:path';
import { ClientApi } from '../client-api.ts';
import { type FurtherHomeserver, furtherHomeserver, openFurther } from '../conformance/further-homeserver.ts';
import { LastingServer } from '../lasting-server.ts';
import { startSynapse } from './synapse.ts';

/** A homeserver that runs, to be put behind a gateway. */
export interface RunningUpstream extends AsyncDisposable {
  /** without a slash at its end */
  readonly url: string;
  /** with the password that `ClientApi.register` gives */
  register(username: string): Promise<ClientApi>;
  /** null: it is not ours to end */
  readonly process: UpstreamProcess | null;
}

export interface UpstreamProcess {
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** With the same data, at the same address; resolves when it answers. */
  start(): Promise<void>;
}

/** A kind of homeserver that the tests of the gateway run on. */
export interface Upstream {
  readonly name: string;
  /** It can be killed and started again. */
  readonly isOurs: boolean;
  /** Another one stands for it wherever a homeserver only has to be there. */
  readonly isImitation: boolean;
  /** so long the gateway lets it take for one event, in ms: well above what it takes on a busy machine */
  readonly timeLimit: number;
  /** Killed, it may lose what it has accepted, so that a message may be there twice (Dendrite). */
  readonly losesMessagesInCrash: boolean;
  /** where the registrations are, if they are there before the tests are */
  readonly registration: string | null;
  /** @param registrations directory of `puppet.yaml` and `listener.yaml` */
  start(registrations: string): Promise<RunningUpstream>;
}

const serverName = 'localhost';

/** A real Synapse with those keys in its `homeserver.yaml`. @param timeLimit as `Upstream` has it */
export function synapseWith(config: Readonly<Record<string, unknown>>, timeLimit = 5_000): Upstream {
  return {
    name: 'Synapse',
    isOurs: true,
    isImitation: false,
    timeLimit,
    losesMessagesInCrash: false,
    registration: null,
    start: async (directory) => {
      const registrations = ['puppet', 'listener'].map((name) => join(directory, `${name}.yaml`));
      const running = await startSynapse({ registrations, serverName, config });
      return {
        url: running.url,
        register: (name) => new ClientApi(running.url).register(name),
        process: { kill: running.kill, start: running.start },
        [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
      };
    },
  };
}

/** The homeserver inside, in a process of its own. @param imitates the name of another; null: none */
function embedded(imitates: string | null): Upstream {
  const flags = imitates === null ? [] : ['--quirks', imitates];
  return {
    name: imitates === null ? 'the homeserver inside' : `one like ${imitates}`,
    isOurs: true,
    isImitation: imitates !== null,
    timeLimit: 1_000,
    losesMessagesInCrash: imitates === 'dendrite',
    registration: null,
    start: async (directory) => {
      const running = await LastingServer.start([
        ...['--server-name', serverName, '--app-services', directory],
        ...['--open-registration', '--rate-limits', 'off', ...flags],
      ]);
      return {
        url: running.url,
        register: (name) => new ClientApi(running.url).register(name),
        process: { kill: () => running.stop('SIGKILL'), start: () => running.startAgain() },
        [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
      };
    },
  };
}

/** One that runs already; the listener's address in its registrations must be one of loopback that is free. */
function named(further: FurtherHomeserver): Upstream {
  const { url, registration } = further;
  return {
    name: url,
    isOurs: false,
    isImitation: false,
    timeLimit: 5_000,
    losesMessagesInCrash: false,
    registration,
    start: async () => {
      const running = await openFurther(further);
      return {
        url,
        register: async (name) => new ClientApi(url, (await running.register(name, null)).token),
        process: null,
        [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
      };
    },
  };
}

/** Homeservers whose behaviour the one inside can imitate. */
const profiles = ['synapse', 'dendrite', 'tuwunel', 'continuwuity', 'palpo'] as const;

const further = furtherHomeserver(process.env);

/** A real Synapse, the homeserver inside as it is and imitating others, and what the environment names. */
export const upstreams: readonly Upstream[] = [
  embedded(null),
  synapseWith({}, 2_000),
  ...profiles.map(embedded),
  ...(further === null ? [] : [named(further)]),
];
