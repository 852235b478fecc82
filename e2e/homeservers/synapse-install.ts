import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { DataDirectoryInUse, lockDataDirectory } from '@matrix-futures/sqlite';

/** The release whose behaviour the tests state. */
const synapseVersion = '1.163.2';

const constraints = join(import.meta.dirname, 'synapse-constraints.txt');

export interface InstallOptions {
  /** Folder that outlives the tests; `MATRIX_FUTURES_CACHE`, else `~/.cache/matrix-futures`. */
  readonly cache?: string;
  /** Added to what pip is told by this process's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Installs Synapse (PyPI `matrix-synapse`) into a virtual environment of its own, once: about 240 MB, half a minute.
 * Several that ask at once: one installs, the others wait. An installation that was broken off is begun anew.
 * @returns the path of the environment's Python
 * @throws an error that says what is missing: Python 3.10, its `venv`, or the package registry
 */
export async function installSynapse(options: InstallOptions = {}): Promise<string> {
  const cache =
    options.cache ?? process.env['MATRIX_FUTURES_CACHE'] ?? join(homedir(), '.cache/matrix-futures');
  const directory = join(cache, `synapse-${synapseVersion}`);
  const environment = join(directory, 'environment');
  const python = join(environment, 'bin/python');
  const finished = join(directory, 'finished');
  // The interpreter is a link to the machine's own, which can go away.
  const isInstalled = () => existsSync(finished) && existsSync(python);
  if (isInstalled()) return python;

  await mkdir(cache, { recursive: true });
  using _ = await lockWhenFree(directory);
  if (isInstalled()) return python;
  const env = { ...process.env, ...options.env };
  await requirePython(env);
  await rm(finished, { force: true });
  await rm(environment, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', environment], env, 'python3 could not make a virtual environment');
  await run(
    python,
    [
      ...['-m', 'pip', 'install', '--no-input', '--prefer-binary'],
      ...['--constraint', constraints, `matrix-synapse==${synapseVersion}`],
    ],
    env,
    `pip could not install matrix-synapse ${synapseVersion}: is a package registry within reach?`,
  );
  await writeFile(finished, '');
  return python;
}

async function lockWhenFree(directory: string): Promise<Disposable> {
  for (;;) {
    try {
      return lockDataDirectory(directory);
    } catch (error) {
      if (!(error instanceof DataDirectoryInUse)) throw error;
    }
    await pause(200);
  }
}

/** Debian packages `ensurepip`, without which an environment has no pip, apart from Python. */
async function requirePython(env: NodeJS.ProcessEnv): Promise<void> {
  const check = 'import ensurepip, sys, venv; assert sys.version_info >= (3, 10), sys.version';
  const needed =
    'Synapse needs python3 on the PATH, 3.10 or later, with venv (Debian: apt install python3-venv)';
  await run('python3', ['-c', check], env, needed);
}

/** @throws `failure`, followed by the end of what the command said */
async function run(
  command: string,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  failure: string,
): Promise<void> {
  const child = spawn(command, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  try {
    const [code]: unknown[] = await once(child, 'close');
    if (code === 0) return;
  } catch (error) {
    throw new Error(`${failure}\n${String(error)}`, { cause: error });
  }
  const said = (await output).join('\n').trimEnd().split('\n').slice(-10).join('\n');
  throw new Error(`${failure}\n${said}`);
}
