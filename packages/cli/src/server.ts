import type { Logger } from 'pino';
import type { Config } from './config/config.ts';

export interface RunningServer {
  /** where it listens: `http://127.0.0.1:8008` */
  readonly url: string;
  /** Stops accepting, lets what is in flight finish, commits, and gives the data directory back. */
  close(): Promise<void>;
}

/**
 * Starts what was configured: futures with a homeserver inside, or in front of one that is elsewhere. What it has opened
 * is closed again when it cannot start.
 * @throws what `explainStartError` words
 */
export async function startServer(config: Config, logger: Logger): Promise<RunningServer> {
  if (config.gateway === null) return (await import('./embedded-server.ts')).startEmbedded(config, logger);
  return (await import('./gateway-server.ts')).startGateway(config, config.gateway, logger);
}
