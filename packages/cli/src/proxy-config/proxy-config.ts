import { baseAddress, oneOf, type Parse, serverName, Wrong } from '../config/values.ts';
import { ConfigError } from '../config/sources.ts';
import { Flags, type Flag } from '../flags.ts';
import { caddyConfig } from './caddy.ts';
import { haproxyConfig } from './haproxy.ts';
import { nginxConfig } from './nginx.ts';
import type { ProxyRequest, Server } from './request.ts';
import { traefikConfig } from './traefik.ts';

const gatewayFallback = { isSecure: false, host: '127.0.0.1', port: 8010 };
const homeserverFallback = { isSecure: false, host: '127.0.0.1', port: 8008 };

export const proxyConfigFlags = [
  {
    name: 'front',
    value: 'paths|all',
    help: "paths: only what is the gateway's goes to it; all: everything that clients ask (paths)",
  },
  { name: 'gateway', value: 'URL', help: 'where the proxy reaches the gateway (http://127.0.0.1:8010)' },
  {
    name: 'homeserver',
    value: 'URL',
    help: 'where the proxy reaches the homeserver (http://127.0.0.1:8008)',
  },
  { name: 'server-name', value: 'NAME', help: 'under which clients reach the proxy (localhost)' },
] as const satisfies readonly Flag[];

const writers = {
  nginx: nginxConfig,
  caddy: caddyConfig,
  haproxy: haproxyConfig,
  traefik: traefikConfig,
} as const satisfies Record<string, (request: ProxyRequest) => string>;
const proxies = ['nginx', 'caddy', 'haproxy', 'traefik'] as const;

/** Prints the rules by which a proxy tells what is the gateway's from what is the homeserver's. */
export async function proxyConfig(argv: readonly string[]): Promise<number> {
  const flags = new Flags(proxyConfigFlags, argv);
  const proxy = proxyOf(flags.words);
  const request: ProxyRequest = {
    front: flags.optional('front', oneOf(['paths', 'all'])) ?? 'paths',
    gateway: flags.optional('gateway', server) ?? gatewayFallback,
    homeserver: flags.optional('homeserver', server) ?? homeserverFallback,
    serverName: flags.optional('server-name', serverName) ?? 'localhost',
  };
  process.stdout.write(writers[proxy](request));
  return 0;
}

function proxyOf([word, another]: readonly string[]): keyof typeof writers {
  const names = proxies.join(', ');
  if (word === undefined) throw new ConfigError(`Say for which proxy: ${names}`);
  if (another !== undefined) throw new ConfigError(`"${another}" is neither a flag nor the value of one`);
  const proxy = proxies.find((name) => name === word);
  if (proxy === undefined) throw new ConfigError(`There are no rules for ${word}, only for ${names}`);
  return proxy;
}

const server: Parse<Server> = (value) => {
  const address = baseAddress(value);
  if (address instanceof Wrong) return address;
  const { protocol, hostname, port, pathname } = new URL(address);
  if (pathname !== '/') return new Wrong('an address without a path, as in http://127.0.0.1:8008');
  const isSecure = protocol === 'https:';
  return { isSecure, host: hostname, port: Number(port) || (isSecure ? 443 : 80) };
};
