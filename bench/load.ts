import { fork } from 'node:child_process';

/** A load: keep-alive connections that each send the next request as soon as the last was answered. */
export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly method: 'PUT' | 'POST';
  /** `{n}` becomes a number that counts up, so that no two requests are the same; used in turn */
  readonly paths: readonly string[];
  readonly accessToken: string | null;
  readonly body: string | null;
  /** requests a second in all; null: as fast as it goes */
  readonly rate: number | null;
}

export interface Measured {
  readonly perSecond: number;
  /** answers that were not 200 */
  readonly failed: number;
  /** from writing a request to having its whole answer, in ms, at the 99th percentile */
  readonly p99: number;
}

/**
 * Runs a load in a process of its own. The generator writes prepared bytes to sockets and looks for the end of the
 * answers, nothing more, so that the server's core and not the generator's is the limit.
 */
export function measure(load: Load): Promise<Measured> {
  const child = fork(new URL('load-generator.ts', import.meta.url), { stdio: 'inherit' });
  child.send(load);
  return new Promise((resolve, reject) => {
    child.once('message', (measured: Measured) => resolve(measured));
    child.once('exit', (code) => reject(new Error(`the load generator ended with ${code}`)));
  });
}
