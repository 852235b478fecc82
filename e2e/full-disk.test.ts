import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ClientApi } from './client-api.ts';
import { canFillDisk, fillDisk, freeDisk } from './disk.ts';
import { Random } from './kill/random.ts';
import { Trial } from './kill/trial.ts';
import { startServerProcess } from './server-process.ts';

const unavailable = { status: 503, body: { errcode: 'M_UNKNOWN' } };
const text = (body: string): object => ({ msgtype: 'm.text', body });

describe.skipIf(!canFillDisk)('a full disk', () => {
  it('is 503 to whoever wants to store, and nothing of it happens, then or later', async () => {
    await using server = await startServerProcess({ flags: ['--open-registration', '--log-level', 'info'] });
    const alice = await new ClientApi(server.url).register('alice');
    const room = encodeURIComponent((await alice.request('POST', '/v3/createRoom', {})).body.room_id);
    const schedule = (txn: string, timeout: number): ReturnType<ClientApi['request']> =>
      alice.request(
        'PUT',
        `/v3/rooms/${room}/send_future/m.room.message/${txn}?future_timeout=${timeout}`,
        text(txn),
      );
    const texts = async (): Promise<string[]> => {
      const { body } = await alice.request('GET', `/v3/rooms/${room}/messages?dir=b&limit=100`);
      const all: { content: { body?: string } }[] = body.chunk;
      return all.flatMap(({ content }) => content.body ?? []).toReversed();
    };
    await schedule('due meanwhile', 300);
    const { body: held } = await schedule('not to be cancelled', 60_000);

    fillDisk(server.pid);
    const wants: [string, string, object?][] = [
      ['PUT', `/v3/rooms/${room}/send/m.room.message/plain`, text('never')],
      ['PUT', `/v3/rooms/${room}/state/m.room.topic`, { topic: 'never' }],
      ['PUT', `/v3/rooms/${room}/send_future/m.room.message/never?future_timeout=1`, text('never')],
      ['POST', `/v3/futures/${held.refresh_token}`],
      ['POST', `/v3/futures/${held.cancel_token}`],
      ['POST', `/v3/futures/${held.send_token}`],
      ['POST', '/v3/createRoom', {}],
      ['POST', `/v3/rooms/${room}/invite`, { user_id: '@bob:localhost' }],
      ['POST', `/v3/rooms/${room}/leave`, {}],
      ['PUT', '/v3/profile/@alice:localhost/displayname', { displayname: 'never' }],
      ['PUT', '/v3/user/@alice:localhost/account_data/never', {}],
      [
        'POST',
        '/v3/register',
        { username: 'bob', password: 'correct horse', auth: { type: 'm.login.dummy' } },
      ],
      ['POST', '/v3/logout'],
    ];
    for (const [method, path, body] of wants)
      expect(await alice.request(method, path, body), `${method} ${path}`).toMatchObject(unavailable);
    expect(await alice.request('GET', '/v3/account/whoami')).toMatchObject({ status: 200 });
    await pause(500);
    freeDisk(server.pid);

    // What fell due meanwhile comes now, and all the more what comes after it.
    await expect.poll(texts).toEqual(['due meanwhile']);
    expect((await alice.request('POST', `/v3/futures/${held.send_token}`)).status).toBe(200);
    expect((await schedule('as before', 1)).status).toBe(200);
    await expect.poll(texts).toEqual(['due meanwhile', 'not to be cancelled', 'as before']);
    expect((await alice.request('GET', `/v3/rooms/${room}/state/m.room.topic`)).status).toBe(404);
    expect((await alice.request('GET', '/v3/joined_rooms')).body.joined_rooms).toHaveLength(1);
    expect((await alice.request('GET', '/v3/profile/@alice:localhost/displayname')).status).toBe(404);
    expect((await alice.request('GET', '/v3/futures')).body).toEqual([]);
    expect((await new ClientApi(server.url).register('bob')).token).not.toBe(null);
    // What it measures counts the two timers, and not the attempts in between.
    expect((await server.stop()).stderr).toContain('"lateness":{"fired":2,');
  });

  it('is no reason not to answer who only reads', async () => {
    await using server = await startServerProcess({ flags: ['--open-registration', '--log-level', 'fatal'] });
    const alice = await new ClientApi(server.url).register('alice');
    fillDisk(server.pid);
    // Longer than the server lets the time it has stored grow old.
    for (const wait of [0, 1_100, 1_100]) {
      await pause(wait);
      for (const path of [
        '/versions',
        '/v3/account/whoami',
        '/v3/sync?timeout=0',
        '/v3/futures',
        '/v3/joined_rooms',
      ])
        expect((await alice.request('GET', path)).status, path).toBe(200);
    }
  });

  it(
    'comes and goes under load: what was answered 503 did not happen, all else did, once',
    { timeout: 300_000 },
    async () => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      console.log(`seed ${seed}`);
      const random = new Random(seed);
      await using trial = await Trial.begin(seed, 16);
      const answered = (status: number): number =>
        trial.operations.filter(({ answer }) => answer?.status === status).length;
      // Eight times, and until the load was one.
      for (let time = 0; time < 8 || answered(503) <= 10 || answered(200) <= 100; time++) {
        await pause(random.from(50, 500));
        fillDisk(trial.server.pid);
        await pause(random.from(0, 300));
        freeDisk(trial.server.pid);
      }
      expect(await trial.end()).toEqual({ breaches: [], missing: [], accounts: [] });
      expect(await trial.observer.readAgain()).toEqual(trial.observer.ids);
    },
  );
});
