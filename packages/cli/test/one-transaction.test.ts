import type { Database } from '@matrix-futures/sqlite';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type RunningServer, startServer } from '../src/server.ts';
import { configOf, openWired } from './wired.ts';

const logger = pino({ level: 'silent' });
const ada = '@ada:localhost';
const later = { msgtype: 'm.text', body: 'later' };

let dataDir: string;
let server: RunningServer;
let token: string | null = null;
let room: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'one-transaction-'));
  server = await startServer(configOf(dataDir), logger);
  const auth = { type: 'm.login.dummy' };
  const registered = await ask('POST', '/v3/register', { username: 'ada', password: 'countess of L', auth });
  token = registered.access_token;
  room = (await ask('POST', '/v3/createRoom', {})).room_id;
});
afterEach(async () => {
  await server.close();
  token = null;
  await rm(dataDir, { recursive: true });
});

async function ask(method: string, path: string, body?: object): Promise<any> {
  const response = await fetch(`${server.url}/_matrix/client${path}`, {
    method,
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
    body: body === undefined ? null : JSON.stringify(body),
  });
  return response.json();
}

const schedule = (timeout: number): Promise<{ send_token: string }> =>
  ask('PUT', `/v3/rooms/${room}/send_future/m.room.message/txn?future_timeout=${timeout}`, later);

const scheduleState = (timeout: number): Promise<{ refresh_token: string }> =>
  ask('PUT', `/v3/rooms/${room}/state_future/com.example.member/a?future_timeout=${timeout}`, {
    fired: true,
  });

const history = async (): Promise<object[]> =>
  (await ask('GET', `/v3/rooms/${room}/messages?dir=b&limit=5`)).chunk.map(
    ({ content }: { content: object }) => content,
  );

const sent = async (content: object): Promise<number> =>
  (await history()).filter((one) => JSON.stringify(one) === JSON.stringify(content)).length;

const texts = (): Promise<number> => sent({ body: later.body, msgtype: later.msgtype });

const restart = async (): Promise<void> => {
  await server.close();
  server = await startServer(configOf(dataDir), logger);
};

describe('a crash between an event and the outcome of its future leaves neither', () => {
  const crash = async (...argv: string[]): Promise<unknown> => {
    await server.close();
    const child = spawn(process.execPath, [join(import.meta.dirname, 'crash-between.ts'), dataDir, ...argv], {
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: 50_000,
    });
    const [, signal] = await once(child, 'exit');
    return signal;
  };

  it('when its timer runs out: it is sent once, by the next start', async () => {
    expect(await crash('fire', room, ada)).toBe('SIGKILL');
    await restart();
    await expect.poll(texts).toBe(1);
    expect(await ask('GET', '/v3/futures')).toEqual([]);
    await restart();
    expect(await texts()).toBe(1);
  });

  it('when its token is used: the token is as good as before', async () => {
    const { send_token } = await schedule(60_000);
    expect(await crash('send', send_token)).toBe('SIGKILL');
    await restart();
    expect(await texts()).toBe(0);
    expect(await ask('POST', `/v3/futures/${send_token}`)).toEqual({});
    expect(await texts()).toBe(1);
    expect(await ask('POST', `/v3/futures/${send_token}`)).toMatchObject({ errcode: 'M_NOT_FOUND' });
  });

  it('when other state overtakes it: that state is not there, and the future lives', async () => {
    const { refresh_token } = await scheduleState(60_000);
    expect(await crash('state', room, ada)).toBe('SIGKILL');
    await restart();
    expect(await sent({ plain: true })).toBe(0);
    expect(await ask('POST', `/v3/futures/${refresh_token}`)).toEqual({});
  });
});

describe('a disk that fills up between an event and the outcome of its future undoes both', () => {
  /** From here on, whatever the store writes of a group needs a page more than there is. */
  const fill = ({ connection }: Database): void => {
    connection.exec(`
      CREATE TEMP TRIGGER full AFTER UPDATE ON groups BEGIN
        INSERT INTO ballast VALUES (zeroblob(1000000));
      END;
      PRAGMA max_page_count = 1;
    `);
  };
  const free = ({ connection }: Database): void => {
    // The trigger went with the transaction it was made in.
    connection.exec('PRAGMA max_page_count = 1000000');
  };
  const count = ({ connection }: Database, event: string): unknown =>
    connection.prepare('SELECT count(*) AS n FROM event WHERE event_id = ?').get(event)?.['n'];

  it('when its timer runs out, and it is sent once when there is space again', async () => {
    await server.close();
    const attempts: string[] = [];
    const errors: unknown[] = [];
    const failed = Promise.withResolvers<void>();
    {
      await using wired = await openWired(dataDir, {
        eventAndOutcome: (database, event) => {
          attempts.push(event);
          if (attempts.length > 1) return;
          expect(count(database, event)).toBe(1);
          fill(database);
        },
        onError: (error) => {
          errors.push(error);
          failed.resolve();
        },
      });
      wired.database.connection.exec('CREATE TABLE ballast (bytes BLOB)');
      await wired.futures.start();
      const draft = { room, sender: ada, type: 'm.room.message', stateKey: null, content: later, extras: {} };
      // Long enough not to be due in the turn that schedules it: that would be undone, too.
      const request = { owner: ada, draft, timeout: 2_000, groupName: null, scope: null };
      await wired.futures.schedule({ ...request, generation: 'futures' });
      await failed.promise;
      expect(errors).toMatchObject([{ name: 'StoreUnavailable', cause: { cause: { errcode: 13 } } }]);
      expect(count(wired.database, attempts[0] ?? '')).toBe(0);
      free(wired.database);
      await expect.poll(() => count(wired.database, attempts[1] ?? '')).toBe(1);
    }
    await restart();
    expect(await texts()).toBe(1);
    expect(attempts).toHaveLength(2);
  });

  it('when its token is used, and whoever used it is told', async () => {
    const { send_token } = await schedule(60_000);
    await server.close();
    {
      await using wired = await openWired(dataDir, { eventAndOutcome: fill });
      wired.database.connection.exec('CREATE TABLE ballast (bytes BLOB)');
      await expect(wired.futures.use(send_token)).rejects.toMatchObject({
        name: 'StoreUnavailable',
        cause: { cause: { errcode: 13 } },
      });
    }
    await restart();
    expect(await texts()).toBe(0);
    expect(await ask('POST', `/v3/futures/${send_token}`)).toEqual({});
    expect(await texts()).toBe(1);
  });
});
