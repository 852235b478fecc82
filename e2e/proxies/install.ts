import { execFileSync, spawnSync } from 'node:child_process';

export const proxies = ['nginx', 'haproxy', 'caddy'] as const;
export type ProxyName = (typeof proxies)[number];

const packages: Readonly<Record<ProxyName, string>> = {
  nginx: 'nginx-light',
  haproxy: 'haproxy',
  caddy: 'caddy',
};

/**
 * Makes sure that a proxy can be started: the one of the machine, else Debian's.
 * @throws Error that says what is missing
 */
export function ensureInstalled(proxy: ProxyName): void {
  if (isThere(proxy)) return;
  const install = (): boolean =>
    run('apt-get', ['install', '-y', '-q', '--no-install-recommends', packages[proxy]]);
  if (!install()) {
    run('apt-get', ['update', '-q']);
    install();
  }
  if (!isThere(proxy))
    throw new Error(
      `${proxy} is not on this machine, and "apt-get install ${packages[proxy]}" did not work (it needs Debian, its ` +
        'registry and the rights of root). Install it, then run this again.',
    );
}

/** Debian puts servers where the path of an ordinary user does not lead. */
export const searchPath = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin:/usr/local/sbin`;

function isThere(proxy: ProxyName): boolean {
  return spawnSync(proxy, [proxy === 'caddy' ? 'version' : '-v'], { env: { PATH: searchPath } }).status === 0;
}

function run(command: string, argv: readonly string[]): boolean {
  try {
    execFileSync(command, argv, {
      stdio: ['ignore', 'ignore', 'inherit'],
      // Nothing is to listen on this machine but what the tests start.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    });
    return true;
  } catch {
    return false;
  }
}
