import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { synapseConfig, synapseLogConfig } from './synapse-config.ts';
import { installSynapse } from './synapse-install.ts';

/** Seen: 4 to 7 s for the first start, 2 to 3 s for later ones. */
const startLimitMs = 120_000;

export interface SynapseOptions {
  /** paths of the YAML files of application services; read anew at every start */
  readonly registrations?: readonly string[];
  /** keys of `homeserver.yaml` that are put over those of `synapseConfig` (another `database`, for one) */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Kept; without it a new one, removed at the end. */
  readonly directory?: string;
  /** `localhost` if not given */
  readonly serverName?: string;
}

/** A running Synapse that can be ended and started again with the same data, at the same address. */
export interface Synapse extends AsyncDisposable {
  /** without a slash at its end */
  readonly url: string;
  /** `registration_shared_secret`: who knows it can register administrators */
  readonly registrationSecret: string;
  /** Resolves when it answers. */
  start(): Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and `start`. */
  restart(): Promise<void>;
}

/**
 * Sets up a Synapse, installing it first if it is not in the cache, and resolves when it answers. Its process ends
 * with this one, however this one ends.
 * @throws with the end of its log if it ends, or stays silent, instead
 */
export async function startSynapse(options: SynapseOptions = {}): Promise<Synapse> {
  const python = await installSynapse();
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'synapse-')));
  const port = await freePort();
  const serverName = options.serverName ?? 'localhost';
  const registrationSecret = randomBytes(16).toString('hex');
  const registrations = options.registrations ?? [];
  const config = {
    ...synapseConfig({ directory, serverName, port, registrations, registrationSecret }),
    ...options.config,
  };
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'homeserver.yaml'), JSON.stringify(config, null, 2));
  await writeFile(join(directory, 'log.yaml'), JSON.stringify(synapseLogConfig));
  await writeSigningKey(join(directory, 'signing.key'));
  const url = `http://127.0.0.1:${port}`;
  const logFile = join(directory, 'synapse.log');

  let child: ChildProcess | null = null;
  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child === null) return;
    const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null;
    child.kill(signal);
    await gone;
    child = null;
  }
  async function start(): Promise<void> {
    if (child !== null) throw new Error('this Synapse is running already');
    child = spawnSynapse(python, directory, logFile);
    try {
      await ready(child, url);
    } catch (error) {
      await end('SIGKILL');
      const said = await readFile(logFile, 'utf8');
      throw new Error(`${String(error)}\n${said.trimEnd().split('\n').slice(-30).join('\n')}`, {
        cause: error,
      });
    }
  }
  async function dispose(): Promise<void> {
    await end('SIGKILL');
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  }
  try {
    await start();
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    url,
    registrationSecret,
    start,
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGTERM');
      await start();
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** The one of a directory that was used before stays. */
async function writeSigningKey(path: string): Promise<void> {
  const seed = randomBytes(32).toString('base64').replace('=', '');
  try {
    await writeFile(path, `ed25519 tests ${seed}\n`, { flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

function spawnSynapse(python: string, directory: string, logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  try {
    return spawn(
      python,
      [join(import.meta.dirname, 'synapse-process.py'), '--config-path', join(directory, 'homeserver.yaml')],
      // Nothing is ever written to its standard input: the process ends when that does.
      { cwd: directory, stdio: ['pipe', log, log] },
    );
  } finally {
    closeSync(log);
  }
}

/** Waits for an answer to `/versions`. */
async function ready(child: ChildProcess, url: string): Promise<void> {
  const stop = new AbortController();
  const ended = once(child, 'exit', { signal: stop.signal }).then(([code, signal]) => {
    throw new Error(`Synapse ended with ${code ?? signal} instead of starting`);
  });
  try {
    await Promise.race([ended, answer(`${url}/_matrix/client/versions`, stop.signal)]);
  } finally {
    stop.abort();
  }
}

async function answer(url: string, stopped: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(startLimitMs);
  while (!stopped.aborted && !limit.aborted) {
    try {
      const response = await fetch(url, { signal: AbortSignal.any([stopped, AbortSignal.timeout(5_000)]) });
      await response.arrayBuffer();
      if (response.status === 200) return;
    } catch {
      // Nobody listens yet.
    }
    await pause(100);
  }
  throw new Error(`Synapse did not answer within ${startLimitMs} ms`);
}
