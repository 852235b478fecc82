import { describe, expect, test } from 'vitest';
import { endpoint, type FastPath, prepareAnswer, sendPrepared } from '@matrix-futures/http';
import { request } from './connection.ts';
import { serve } from './serving.ts';

const answers = {
  done: prepareAnswer(200, {}),
  gone: prepareAnswer(410, { errcode: 'M_NOT_FOUND', error: 'é' }),
};

/** Takes `/fast/…` at once, and `/later/…` after what the loop has to do now. */
const fastPath: FastPath = (incoming, response) => {
  if (incoming.url === '/fast/gone') return (sendPrepared(response, answers.gone), true);
  if (incoming.url?.startsWith('/fast/')) return (sendPrepared(response, answers.done), true);
  if (incoming.url?.startsWith('/later/')) {
    setImmediate(() => sendPrepared(response, answers.done));
    return true;
  }
  return false;
};
const slow = endpoint({
  method: 'GET',
  paths: ['/slow'],
  authentication: 'none',
  handle: () => ({ body: [1] }),
});
const options = { endpoints: [slow], fastPath, limits: { bodyTime: 70 } };

describe('the fast path', () => {
  test('takes what it wants before everything else, and leaves the rest', async () => {
    const { ask } = await serve(options);
    expect(await ask('OPTIONS', '/fast/%zz')).toMatchObject({ status: 200, json: {} });
    expect(await ask('PUT', '/fast/gone')).toMatchObject({
      status: 410,
      json: { errcode: 'M_NOT_FOUND', error: 'é' },
      headers: {
        'access-control-allow-origin': '*',
        'content-type': 'application/json',
        'content-length': '38',
      },
    });
    expect((await ask('GET', '/slow')).json).toEqual([1]);
  });

  test('keeps the order of requests that came in one go, with bodies and without', async () => {
    const { connect } = await serve(options);
    const connection = await connect();
    const paths = ['/fast/1', '/later/2', '/fast/gone', '/slow', '/later/3', '/fast/gone', '/fast/4'];
    connection.send(
      paths
        .map((path, index) => request(path === '/slow' ? 'GET' : 'PUT', path, {}, index % 2 ? '{"a":1}' : ''))
        .join(''),
    );
    const statuses = [];
    for (const _ of paths) statuses.push((await connection.answer())?.status);
    expect(statuses).toEqual([200, 200, 410, 200, 200, 410, 200]);
  });

  test.each(['/fast/1', '/later/1'])(
    'discards a body that it did not read, however large: %s',
    async (path) => {
      const { connect, timers } = await serve(options);
      const connection = await connect();
      const megabytes = 'x'.repeat(3_000_000);
      connection.send(request('PUT', path, {}, megabytes));
      connection.send(
        request('PUT', path, { 'Transfer-Encoding': 'chunked' }, `2dc6c0\r\n${megabytes}\r\n0\r\n\r\n`),
      );
      connection.send(request('GET', '/slow'));
      expect((await connection.answer())?.json).toEqual({});
      expect((await connection.answer())?.json).toEqual({});
      expect((await connection.answer())?.json).toEqual([1]);
      expect(timers.count(70)).toBe(0);
    },
  );

  test('of a closing server ends the connections that it answers', async () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const waits = endpoint({
      method: 'GET',
      paths: ['/wait'],
      authentication: 'none',
      handle: async () => {
        entered.resolve();
        await release.promise;
        return {};
      },
    });
    const seen = Promise.withResolvers<void>();
    const seeing: FastPath = (incoming, response) => {
      if (!fastPath(incoming, response)) return false;
      seen.resolve();
      return true;
    };
    const { connect, server } = await serve({ endpoints: [waits], fastPath: seeing });
    const connection = await connect();
    connection.send(request('GET', '/wait'));
    await entered.promise;
    const closed = server.close();
    connection.send(request('PUT', '/fast/1'));
    await seen.promise;
    release.resolve();
    await connection.answer();
    expect(await connection.answer()).toMatchObject({ status: 200, headers: { connection: 'close' } });
    await closed;
  });

  test.each(['/fast/1', '/later/1'])(
    'does not wait for a body, and ends the connection when it takes too long: %s',
    async (path) => {
      const { connect, timers } = await serve(options);
      const connection = await connect();
      connection.send(request('PUT', path, { 'Content-Length': '10' }, '{'));
      expect((await connection.answer())?.status).toBe(200);
      timers.fire(70);
      await connection.ended();
    },
  );
});
