import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';

/** A server in a process of its own. */
export interface Server extends AsyncDisposable {
  readonly url: string;
  /** from spawning to the line that says it is ready, in ms */
  readonly startedIn: number;
  /** resident memory, in bytes */
  residentBytes(): Promise<number>;
  /** Ends it by SIGTERM. Answers what it wrote to standard error. */
  stop(): Promise<string>;
}

const ready = /ready on (http:\/\/\S+)/;

/** Starts a script under this very Node and waits for the line that says where it listens. */
export async function startServer(script: string, ...flags: string[]): Promise<Server> {
  const began = performance.now();
  const child = spawn(process.execPath, [script, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      text += more;
      const found = ready.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}: ${errors}`)));
  });
  const startedIn = performance.now() - began;
  const stop = async (): Promise<string> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
    return errors;
  };
  return {
    url,
    startedIn,
    residentBytes: () => residentBytesOf(child),
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}

async function residentBytesOf({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return 1024 * Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? NaN);
}

export const bareServer = new URL('bare-server.ts', import.meta.url).pathname;
export const futuresServer = new URL('../packages/cli/src/main.ts', import.meta.url).pathname;

/** The server as an operator starts it, but for the limits per user, which would end a load test at once. */
export function startFutures(dataDir: string, ...flags: string[]): Promise<Server> {
  return startServer(
    futuresServer,
    'serve',
    '--listen',
    '127.0.0.1:0',
    '--data-dir',
    dataDir,
    '--open-registration',
    '--rate-limits',
    'off',
    ...flags,
  );
}
