import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

const main = join(import.meta.dirname, '../packages/cli/src/main.ts');

/** How a process ended, and all it said. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A server in a process of its own, listening. */
export interface ServerProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly readyLine: string;
  readonly dataDir: string;
  readonly ended: Promise<Ended>;
  /** Sends a signal and waits for the end; SIGTERM where none is named. */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
}

export interface StartOptions {
  /** beside `--listen 127.0.0.1:0 --data-dir …` */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Kept; without it a new one, removed when the process has ended. */
  readonly dataDir?: string;
}

/** Runs the command and waits for its end. */
export async function runCommand(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  return end(spawnCommand(argv, env));
}

/** Starts a server and waits for its ready line; rejects with what it said if it ends before. */
export async function startServerProcess(options: StartOptions = {}): Promise<ServerProcess> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'matrix-futures-')));
  const argv = ['serve', '--listen', '127.0.0.1:0', '--data-dir', dataDir, '--log-level', 'warn'];
  const child = spawnCommand([...argv, ...(options.flags ?? [])], options.env ?? {});
  const ended = end(child, options.dataDir === undefined ? dataDir : null);
  const readyLine = await Promise.race([firstLine(child), ended.then(failed)]);
  const url = /ready on (http:\/\/\S+)/.exec(readyLine)?.[1];
  if (url === undefined || child.pid === undefined) throw new Error(`not a ready line: ${readyLine}`);
  const stop = (signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> => {
    child.kill(signal);
    return ended;
  };
  return {
    url,
    pid: child.pid,
    readyLine,
    dataDir,
    ended,
    stop,
    [Symbol.asyncDispose]: () => stop('SIGKILL').then(() => {}),
  };
}

function spawnCommand(argv: readonly string[], env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, [main, ...argv], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('no standard output');
  const [line] = await once(createInterface({ input: stdout }), 'line');
  return String(line);
}

async function end(child: ChildProcess, scratch: string | null = null): Promise<Ended> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('no output');
  const [[code, signal], out, err] = await Promise.all([once(child, 'exit'), text(stdout), text(stderr)]);
  if (scratch !== null) await rm(scratch, { recursive: true, force: true });
  return { code, signal, stdout: out, stderr: err };
}

function failed({ code, signal, stderr }: Ended): never {
  throw new Error(`the server ended with ${code ?? signal}: ${stderr}`);
}
