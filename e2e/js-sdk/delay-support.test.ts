// oxlint-disable eslint/no-underscore-dangle -- names of the SDK
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UnsupportedDelayedEventsEndpointError } from 'matrix-js-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServerProcess, startServerProcess } from '../server-process.ts';
import { callRoom, joinCall, present, stepsOf } from './call.ts';
import { RecordingProxy } from './recording-proxy.ts';
import { joined, type Login, logIn, register, sdkClient, start } from './sdk-client.ts';
import { until } from './signal.ts';

let dataDir: string;
let login: Login;
let roomId: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'delay-support-'));
  await using server = await startServerProcess({ dataDir, flags: ['--open-registration'] });
  await register(server.url, 'ada');
  login = await logIn(server.url, 'ada');
  roomId = (await sdkClient({ ...login }).createRoom(callRoom)).room_id;
});
afterAll(() => rm(dataDir, { recursive: true }));

const startAgain = (...flags: string[]): Promise<ServerProcess> => startServerProcess({ dataDir, flags });
const arm = (baseUrl: string, delay: number): Promise<unknown> =>
  sdkClient({ ...login, baseUrl })._unstable_sendDelayedStateEvent(
    roomId,
    { delay },
    'org.example.plan' as never,
    {} as never,
  );

describe('a server with a small maximum', () => {
  it('says so in the words the SDK understands, and takes what is not above it', async () => {
    await using server = await startAgain('--max-timeout', '1s');
    await expect(arm(server.url, 1_001)).rejects.toMatchObject({
      httpStatus: 400,
      errcode: 'M_UNKNOWN',
      data: {
        'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED',
        'org.matrix.msc4140.max_delay': 1_000,
      },
    });
    await expect(arm(server.url, 1_000)).resolves.toMatchObject({ delay_id: expect.any(String) as unknown });
  });

  it('has a session arm its leave with that maximum before it joins', async () => {
    await using server = await startAgain('--max-timeout', '2s');
    await using proxy = await RecordingProxy.start(server.url);
    const client = await start({ ...login, baseUrl: proxy.url });
    await joined(client, roomId);
    const session = joinCall(client, roomId, { delayedLeaveEventRestartMs: 500 });
    await present(session, login.userId);
    await until(proxy, 'exchange', () => stepsOf(proxy.exchanges).length >= 4, 'the first restart');
    expect(stepsOf(proxy.exchanges).slice(0, 4)).toEqual(['arm 400', 'arm 200', 'join 200', 'restart 200']);
    const delays = proxy.exchanges.map(({ query }) => query.get('org.matrix.msc4140.delay'));
    expect(delays.filter((delay) => delay !== null)).toEqual(['8000', '2000']);
    expect(await session.leaveRoomSession()).toBe(true);
    expect(stepsOf(proxy.exchanges).at(-1)).toBe('send 200');
    client.stopClient();
  });
});

describe('a server without delayed events', () => {
  it('has the SDK ask for none', async () => {
    await using server = await startAgain('--generations', 'futures');
    await expect(arm(server.url, 1_000)).rejects.toThrow(UnsupportedDelayedEventsEndpointError);
  });
});
