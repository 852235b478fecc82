import type { Front } from '@matrix-futures/gateway';

/** What a proxy's rules are to be written for. */
export interface ProxyRequest {
  readonly front: Front;
  readonly gateway: Server;
  readonly homeserver: Server;
  readonly serverName: string;
}

/** Where a server behind the proxy listens. */
export interface Server {
  readonly isSecure: boolean;
  /** an IPv6 address in brackets */
  readonly host: string;
  readonly port: number;
}

export const addressOf = ({ host, port }: Server): string => `${host}:${port}`;
export const urlOf = (server: Server): string => `http${server.isSecure ? 's' : ''}://${addressOf(server)}`;
