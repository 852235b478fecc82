import type { Server } from '@matrix-futures/http';
import type { Config } from './config/config.ts';
import { StartError } from './start-error.ts';

export interface Listening {
  readonly host: string;
  /** where it listens: `http://127.0.0.1:8008` */
  readonly url: string;
}

/** @throws StartError */
export async function listen(server: Server, { host, port }: Config['listen']): Promise<Listening> {
  try {
    const address = await server.listen(host, port);
    const name = address.host.includes(':') ? `[${address.host}]` : address.host;
    return { host: address.host, url: `http://${name}:${address.port}` };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')
      throw new StartError(`${host}:${port} is taken: another process listens there.`, { cause: error });
    throw StartError.from(`Cannot listen on ${host}:${port}`, error);
  }
}

export const isLoopback = (host: string): boolean => host === '::1' || host.startsWith('127.');
