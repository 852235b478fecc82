import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Whoever asked for one may not listen there yet. */
const given = new Set<number>();

/**
 * A port of loopback that is free now, and that the system gives to nobody by itself: it is below the ranges that
 * outgoing connections and listeners on port 0 get theirs from, so a server can come back to it. Each is given once in
 * a process.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    if (given.has(port)) continue;
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      server.close();
      await once(server, 'close');
      given.add(port);
      return port;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    }
  }
}
