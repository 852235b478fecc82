import { describe, expect, test } from 'vitest';
import { endpoint, type OnUpgrade } from '@matrix-futures/http';
import { request } from './connection.ts';
import { serve } from './serving.ts';

const page = endpoint({ method: ['GET', 'PUT'], paths: ['/'], authentication: 'none', handle: () => ({}) });
const webSocket = { Connection: 'Upgrade', Upgrade: 'websocket' };
/** Switches, and says back what was sent behind the request. */
const echo: OnUpgrade = (_request, socket, head) => {
  socket.on('error', () => {});
  socket.write(`HTTP/1.1 299 Switched\r\nContent-Length: ${head.length}\r\n\r\n`);
  socket.write(head);
};

describe('a wish for a WebSocket', () => {
  test('is handed on with what came behind it', async () => {
    const { connect } = await serve({ endpoints: [page], onUpgrade: echo });
    const connection = await connect();
    connection.send(`${request('GET', '/', webSocket)}{"a":1}`);
    expect(await connection.answer()).toMatchObject({ status: 299, json: { a: 1 } });
  });

  test.each([
    ['nobody takes', undefined, 'GET', webSocket],
    ['is for another protocol', echo, 'GET', { Connection: 'Upgrade', Upgrade: 'h2c' }],
    ['has another method', echo, 'PUT', webSocket],
  ])('is ignored when it %s', async (_name, onUpgrade, method, headers) => {
    const { ask } = await serve({ endpoints: [page], ...(onUpgrade && { onUpgrade }) });
    expect((await ask(method, '/', headers)).status).toBe(200);
  });

  test('that was granted does not keep a closing server waiting', async () => {
    const { connect, server } = await serve({ endpoints: [page], onUpgrade: echo });
    const connection = await connect();
    connection.send(request('GET', '/', webSocket));
    await connection.answer();
    await server.close();
    await connection.ended();
  });
});
