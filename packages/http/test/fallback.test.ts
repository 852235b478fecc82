import type { IncomingMessage } from 'node:http';
import Type from 'typebox';
import { describe, expect, test } from 'vitest';
import { endpoint, type Fallback } from '@matrix-futures/http';
import { request } from './connection.ts';
import { serve } from './serving.ts';

const plain = endpoint({ method: 'PUT', paths: ['/plain/:id'], authentication: 'none', handle: () => ({}) });
const delayed = endpoint({
  method: 'PUT',
  paths: ['/event/:id'],
  authentication: 'none',
  when: { parameters: ['delay'] },
  body: Type.Object({}),
  handle: () => ({ body: { delayed: true } }),
});

const bytesOf = async (incoming: IncomingMessage): Promise<number> => {
  let size = 0;
  for await (const chunk of incoming) size += Buffer.isBuffer(chunk) ? chunk.length : 0;
  return size;
};

/** Answers with what it was handed: method, URL, and how many bytes of a body. */
const tells: Fallback = (incoming, response) => {
  void bytesOf(incoming).then((size) => {
    const text = JSON.stringify({ method: incoming.method, url: incoming.url, size });
    response.writeHead(299, { 'Content-Length': Buffer.byteLength(text) }).end(text);
  });
};

const options = {
  endpoints: [plain, delayed],
  fallback: tells,
  limits: { body: 100, url: 200, bodyTime: 70 },
};

describe('what no endpoint answers', () => {
  test.each([
    ['a path without a route', 'GET', '/nowhere?a=%zz'],
    ['another method of a known path', 'POST', '/plain/1'],
    ['a route whose endpoints all have other conditions', 'PUT', '/event/1?other=1'],
    ['an empty parameter', 'PUT', '/event/?delay=1'],
    ['a path that cannot be decoded', 'GET', '/plain/%zz'],
    ['a method that nobody knows here', 'PROPFIND', '/plain/1'],
    ['a parameter of a path longer than the limit of the URL', 'GET', `/plain/${'x'.repeat(300)}`],
  ])('goes to the fallback as it came: %s', async (_name, method, url) => {
    const { ask } = await serve(options);
    expect(await ask(method, url)).toMatchObject({ status: 299, json: { method, url, size: 0 } });
  });

  test('has no limit of its body, neither of its size nor of its time', async () => {
    const { connect, timers } = await serve(options);
    const connection = await connect();
    connection.send(request('PUT', '/event/1', { 'Content-Length': '300' }, 'x'.repeat(100)));
    connection.send('x'.repeat(150));
    while (timers.count(70) > 0) await new Promise((resolve) => void setImmediate(resolve));
    connection.send('x'.repeat(50));
    expect((await connection.answer())?.json).toMatchObject({ size: 300 });
  });

  test('is not what an endpoint answers, a preflight, or a URL that is too long for its endpoint', async () => {
    const { ask } = await serve(options);
    expect((await ask('PUT', '/plain/1')).status).toBe(200);
    expect((await ask('PUT', '/event/1?delay=1', {}, '{}')).json).toEqual({ delayed: true });
    expect((await ask('OPTIONS', '/nowhere')).status).toBe(200);
    expect((await ask('PUT', `/plain/1?${'x'.repeat(300)}`)).status).toBe(414);
  });

  test('keeps the limits of those bodies that an endpoint reads', async () => {
    const { connect, timers } = await serve(options);
    const connection = await connect();
    connection.send(request('PUT', '/event/1?delay=1', { 'Content-Length': '50' }, '{'));
    await timers.armed(70);
    timers.fire(70);
    expect((await connection.answer())?.status).toBe(408);
  });
});

test('what is worded here has the headers that the server was given, and a fallback may take them off', async () => {
  const { ask } = await serve({
    endpoints: [plain],
    headers: { 'X-Worded-By': 'us' },
    fallback: (_incoming, response) => {
      response.removeHeader('X-Worded-By');
      response.end('{}');
    },
  });
  expect((await ask('PUT', '/plain/1')).headers).toMatchObject({ 'x-worded-by': 'us' });
  expect((await ask('OPTIONS', '/plain/1')).headers).toMatchObject({ 'x-worded-by': 'us' });
  expect((await ask('GET', '/nowhere')).headers).not.toHaveProperty('x-worded-by');
});
