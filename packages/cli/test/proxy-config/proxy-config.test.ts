import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';

const main = join(import.meta.dirname, '../../src/main.ts');
const run = (...argv: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'proxy-config', ...argv], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};

describe('matrix-futures proxy-config', () => {
  it('prints rules, and nothing else on standard output', () => {
    const { status, stdout, stderr } = run(
      'nginx',
      '--server-name',
      'example.org',
      '--gateway',
      'http://[::1]:8010',
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('server_name example.org;');
    expect(stdout).toContain('upstream matrix_gateway { server [::1]:8010; }');
  });

  test.each(['nginx', 'caddy', 'haproxy', 'traefik'])(
    "says for %s that nothing of the gateway's goes to the homeserver",
    (proxy) => {
      const { stdout } = run(proxy);
      expect(stdout).toMatch(/send_future/);
    },
  );

  it('says that the rules for Traefik were never tried', () => {
    expect(run('traefik').stdout).toContain('NOT TRIED');
  });

  test.each([
    [[], 'Say for which proxy: nginx, caddy, haproxy, traefik'],
    [['apache'], 'There are no rules for apache, only for nginx, caddy, haproxy, traefik'],
    [['nginx', 'caddy'], '"caddy" is neither a flag'],
    [['nginx', '--front', 'some'], '--front: "some" is not paths or all'],
    [['nginx', '--gateway', 'localhost:1'], '--gateway: "localhost:1" is not a web address'],
    [['nginx', '--homeserver', 'http://x/path'], 'is not an address without a path'],
    [['nginx', '--server-name', 'a;b'], '--server-name: "a;b" is not a server name'],
    [['nginx', '--gatway', 'http://x'], 'There is no flag --gatway; the nearest is --gateway'],
  ])('refuses %j', (argv, message) => {
    const { status, stdout, stderr } = run(...argv);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain(message);
  });
});
