import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientApi } from '../client-api.ts';
import { freePort } from '../free-port.ts';
import { runCommand, type ServerProcess, startServerProcess } from '../server-process.ts';
import { proxies } from './install.ts';
import { exchange } from './exchange.ts';
import { type ProxyProcess, startProxy } from './proxy-process.ts';
import { unknown } from './spellings.ts';

// As an operator does it: registrations, homeserver, gateway, proxy, doctor; every part is the real one but the
// homeserver, which imitates Synapse.

const opened = new AsyncDisposableStack();
let registrations: string;
let homeserver: ServerProcess;
let gateway: ServerProcess;
let gatewayForAll: ServerProcess;
let alice: ClientApi;
let user: string;

beforeAll(async () => {
  registrations = await mkdtemp(join(tmpdir(), 'registrations-'));
  opened.defer(() => rm(registrations, { recursive: true }));
  const port = await freePort();
  const made = await runCommand([
    ...['registration', '--server-name', 'localhost', '--out', registrations],
    ...['--listener', `http://127.0.0.1:${port}`],
  ]);
  if (made.code !== 0) throw new Error(made.stderr);
  const inside = ['--open-registration', '--quirks', 'synapse', '--app-services', registrations];
  homeserver = opened.use(await startServerProcess({ flags: inside }));
  alice = await new ClientApi(homeserver.url).register('alice');
  user = (await alice.request('GET', '/v3/account/whoami')).body.user_id;
  const front = [
    '--listen',
    `127.0.0.1:${port}`,
    '--upstream',
    homeserver.url,
    '--registration',
    registrations,
  ];
  gateway = opened.use(await startServerProcess({ flags: front }));
  const all = ['--upstream', homeserver.url, '--registration', registrations, '--front', 'all'];
  gatewayForAll = opened.use(await startServerProcess({ flags: all }));
});
afterAll(() => opened.disposeAsync());

async function doctor(proxy: ProxyProcess): Promise<{ code: number | null; lines: string[] }> {
  const { code, stdout, stderr } = await runCommand([
    ...['doctor', '--upstream', homeserver.url, '--registration', registrations, '--user', user],
    ...['--gateway', gateway.url, '--public-url', proxy.url, '--data-dir', gateway.dataDir],
  ]);
  expect(stderr).toBe('');
  // The disk of the machine that runs the tests is not what is judged.
  return { code, lines: stdout.split('\n').filter((line) => !line.includes('disk') && line !== '') };
}

describe.each(proxies)('matrix-futures doctor, behind %s', (name) => {
  it('finds nothing wrong with the printed rules', async () => {
    await using proxy = await startProxy(name, {
      front: 'paths',
      gateway: gateway.url,
      homeserver: homeserver.url,
    });
    const { lines } = await doctor(proxy);
    expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([
      expect.stringMatching(/Nothing failed|1 failed/),
    ]);
    expect(lines.length).toBe(17);
  });

  it('finds nothing wrong with the printed rules for everything', async () => {
    await using proxy = await startProxy(name, {
      front: 'all',
      gateway: gatewayForAll.url,
      homeserver: homeserver.url,
    });
    const { lines } = await doctor(proxy);
    expect(lines.filter((line) => !line.startsWith('ok '))).toEqual([
      expect.stringMatching(/Nothing failed|1 failed/),
    ]);
  });

  it("is right not to ask in every spelling of the gateway's paths: no homeserver knows another", async () => {
    await using proxy = await startProxy(name, {
      front: 'paths',
      gateway: gateway.url,
      homeserver: homeserver.url,
    });
    const { body } = await alice.request('POST', '/v3/createRoom', {});
    const headers = { authorization: `Bearer ${alice.token}` };
    for (const path of unknown(encodeURIComponent(body.room_id))) {
      const answer = await exchange(proxy.url, 'PUT', `${path}?timeout=5`, { headers, body: '{}' });
      const isFromGateway = answer.headers['x-matrix-futures'] === 'gateway';
      if (!isFromGateway)
        expect(answer, path).toMatchObject({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } });
    }
  });

  it('finds everything that the proxy does not bring to the gateway', async () => {
    await using proxy = await startProxy(name, {
      front: 'paths',
      gateway: homeserver.url,
      homeserver: homeserver.url,
    });
    const { code, lines } = await doctor(proxy);
    expect(code).toBe(1);
    const failed = lines
      .filter((line) => line.startsWith('FAILED'))
      .map((line) => line.slice(13).split(':')[0]);
    expect(failed).toEqual([
      'clients are told of futures',
      'futures reach the gateway',
      'no other spelling slips by the gateway',
    ]);
  });
});
