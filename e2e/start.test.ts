import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ClientApi } from './client-api.ts';
import { runCommand, startServerProcess } from './server-process.ts';

let directory: string;
let dataDir: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'start-'));
  dataDir = join(directory, 'data');
});
afterEach(() => rm(directory, { recursive: true }));

/** One line on standard error, nothing on standard output, exit code 1. */
const complaint = (line: RegExp): object => ({
  code: 1,
  stdout: '',
  stderr: expect.stringMatching(new RegExp(`^matrix-futures: ${line.source}\n$`)) as unknown,
});

describe('a start', () => {
  it('says on one line where it is ready, and then is', async () => {
    await using server = await startServerProcess({ dataDir, flags: ['--server-name', 'example.org'] });
    expect(server.readyLine).toMatch(
      /^matrix-futures ready on http:\/\/127\.0\.0\.1:[1-9]\d* \(server name example\.org\)$/,
    );
    const versions = await fetch(`${server.url}/_matrix/client/versions`);
    expect(versions.status).toBe(200);
  });

  it('finds its accounts again after a restart', async () => {
    const first = await startServerProcess({ dataDir, flags: ['--open-registration'] });
    const { token } = await new ClientApi(first.url).register('ada');
    await first.stop();
    await using second = await startServerProcess({ dataDir });
    const whoami = await new ClientApi(second.url, token).request('GET', '/v3/account/whoami');
    expect(whoami.body).toMatchObject({ user_id: '@ada:localhost' });
  });

  it('warns of open registration on an address that others reach', async () => {
    const flags = ['--open-registration', '--listen', '0.0.0.0:0'];
    const open = await startServerProcess({ dataDir, flags });
    expect((await open.stop()).stderr).toContain('registration is open');
    const closed = await startServerProcess({ dataDir, flags: flags.slice(1) });
    expect((await closed.stop()).stderr).toBe('');
  });

  it('takes its configuration from variables and a file, too', async () => {
    const file = join(directory, 'config.yaml');
    await writeFile(file, 'server-name: from.file\n');
    await using server = await startServerProcess({ dataDir, env: { MATRIX_FUTURES_CONFIG: file } });
    expect(server.readyLine).toContain('(server name from.file)');
  });
});

describe('an end', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s is clean: exit code 0, nothing on standard error',
    async (signal) => {
      const server = await startServerProcess({ dataDir });
      expect(await server.stop(signal)).toMatchObject({ code: 0, signal: null, stderr: '' });
    },
  );

  it('lets requests that are in flight finish', async () => {
    const server = await startServerProcess({ dataDir, flags: ['--open-registration'] });
    const ada = await new ClientApi(server.url).register('ada');
    const { body } = await ada.request('GET', '/v3/sync?timeout=0');
    const polling = ada.request('GET', `/v3/sync?timeout=30000&since=${body.next_batch}`);
    // Asked after the poll and answered: the server has the poll by now.
    await ada.request('GET', '/versions');
    const ended = server.stop();
    expect((await polling).status).toBe(200);
    expect(await ended).toMatchObject({ code: 0 });
  });

  it('is at once with a second signal, even where a request would hold it', async () => {
    const server = await startServerProcess({ dataDir });
    const { hostname, port } = new URL(server.url);
    const slow = connect(Number(port), hostname);
    slow.write('POST /_matrix/client/v3/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{');
    await fetch(`${server.url}/_matrix/client/versions`);
    // The signals of the first second are one: npm and a terminal both deliver Ctrl-C.
    const signals = setInterval(() => void server.stop(), 100);
    const { code } = await server.ended;
    clearInterval(signals);
    slow.destroy();
    expect(code).toBe(1);
  });

  it('by kill -9 leaves nothing that would keep the next start away', async () => {
    const first = await startServerProcess({ dataDir });
    expect(await first.stop('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
    await using second = await startServerProcess({ dataDir });
    expect(second.readyLine).toContain('ready');
  });
});

describe('a start that cannot be is one clear line and exit code 1:', () => {
  it('a second process on the same data directory', async () => {
    await using server = await startServerProcess({ dataDir });
    const second = await runCommand(['serve', '--listen', '127.0.0.1:0', '--data-dir', dataDir]);
    expect(second).toMatchObject(complaint(/The data directory .*data is in use by another process\./));
    expect((await fetch(`${server.url}/_matrix/client/versions`)).status).toBe(200);
  });

  it('a port that is taken', async () => {
    await using blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const address = blocker.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const refused = await runCommand(['serve', '--listen', `127.0.0.1:${port}`, '--data-dir', dataDir]);
    expect(refused).toMatchObject(
      complaint(new RegExp(`127\\.0\\.0\\.1:${port} is taken: another process .*`)),
    );
  });

  it('an address that is not of this machine', async () => {
    const refused = await runCommand(['serve', '--listen', '192.0.2.1:0', '--data-dir', dataDir]);
    expect(refused).toMatchObject(complaint(/Cannot listen on 192\.0\.2\.1:0: .*/));
  });

  it('a data directory that cannot be made', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    const refused = await runCommand(['serve', '--listen', '127.0.0.1:0', '--data-dir', join(file, 'data')]);
    expect(refused).toMatchObject(complaint(/The data directory .*file\/data cannot be used: .*/));
  });

  it('a database of a newer release', async () => {
    await (await startServerProcess({ dataDir })).stop();
    const database = new DatabaseSync(join(dataDir, 'matrix-futures.db'));
    database.exec('INSERT INTO migrations SELECT component, 1000 FROM migrations GROUP BY component');
    database.close();
    const refused = await runCommand(['serve', '--listen', '127.0.0.1:0', '--data-dir', dataDir]);
    expect(refused).toMatchObject(complaint(/The database has version 1000 of the .* newer release.*/));
  });

  it('a database that is none', async () => {
    await (await startServerProcess({ dataDir })).stop();
    await writeFile(join(dataDir, 'matrix-futures.db'), 'a text of more than a hundred bytes'.repeat(10));
    const refused = await runCommand(['serve', '--listen', '127.0.0.1:0', '--data-dir', dataDir]);
    expect(refused).toMatchObject(complaint(/The database .* cannot be opened: file is not a database/));
  });

  it('a token key that cannot be read', async () => {
    await (await startServerProcess({ dataDir })).stop();
    await rm(join(dataDir, 'token-key'));
    await mkdir(join(dataDir, 'token-key'));
    const refused = await runCommand(['serve', '--listen', '127.0.0.1:0', '--data-dir', dataDir]);
    expect(refused).toMatchObject(complaint(/The data directory .* cannot be used: EISDIR.*/));
  });

  it('a token key that is damaged', async () => {
    await (await startServerProcess({ dataDir })).stop();
    await writeFile(join(dataDir, 'token-key'), 'short');
    const refused = await runCommand(['serve', '--listen', '127.0.0.1:0', '--data-dir', dataDir]);
    expect(refused).toMatchObject(complaint(/The token key .* is damaged.*/));
  });

  it('a server name other than the one its accounts were made under', async () => {
    await (await startServerProcess({ dataDir })).stop();
    const flags = ['serve', '--listen', '127.0.0.1:0', '--data-dir', dataDir, '--server-name', 'other.org'];
    expect(await runCommand(flags)).toMatchObject(complaint(/.*server "localhost".*cannot be renamed.*/));
  });

  it('a flag that does not exist', async () => {
    const refused = await runCommand(['serve', '--data-dri', dataDir]);
    expect(refused).toMatchObject(complaint(/There is no flag --data-dri; the nearest is --data-dir/));
  });

  it('a command that does not exist', async () => {
    expect(await runCommand(['srve'])).toMatchObject(
      complaint(/There is no command srve; the nearest is serve/),
    );
  });
});

it('explains itself with --help', async () => {
  const help = await runCommand(['serve', '--help']);
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toContain('--registration-shared-secret SECRET');
});

it('keeps tokens, keys and passwords out of its log', async () => {
  const server = await startServerProcess({
    dataDir,
    flags: ['--log-level', 'trace', '--open-registration'],
  });
  const password = 'countess of Lovelace';
  const { token } = await new ClientApi(server.url).register('ada', password);
  await new ClientApi(server.url).request('GET', `/v3/account/whoami?access_token=${token}`);
  const { stderr } = await server.stop();
  const key = await readFile(join(dataDir, 'token-key'));
  expect(stderr).toContain('/register');
  for (const secret of [token ?? '', password, key.toString('hex'), key.toString('base64url')])
    expect(stderr).not.toContain(secret);
});
