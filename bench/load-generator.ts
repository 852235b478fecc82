/** See `load.ts`. Gets one load as a message, runs it, answers what it measured, and ends. */
import { connect, type Socket } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import type { Load, Measured } from './load.ts';

process.once('message', (load: Load) => {
  void run(load).then((measured) => process.send?.(measured, () => process.exit(0)));
});

async function run(load: Load): Promise<Measured> {
  const { hostname, port, host } = new URL(load.url);
  const latency = createHistogram();
  let counter = 0;
  let answered = 0;
  let failed = 0;
  const prefix = `${load.method} `;
  const suffix =
    ` HTTP/1.1\r\nHost: ${host}\r\n` +
    (load.accessToken === null ? '' : `Authorization: Bearer ${load.accessToken}\r\n`) +
    (load.body === null
      ? 'Content-Length: 0\r\n\r\n'
      : `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(load.body)}\r\n\r\n${load.body}`);

  const nextRequest = (): string => {
    const path = load.paths[counter % load.paths.length] ?? '/';
    counter += 1;
    return prefix + path.replace('{n}', String(counter)) + suffix;
  };

  const began = performance.now();
  const ends = began + load.seconds * 1000;
  const warmUntil = began + Math.min(1000, load.seconds * 200);
  const due = (): boolean => load.rate === null || counter < ((performance.now() - began) / 1000) * load.rate;

  const drive = (socket: Socket): Promise<void> =>
    new Promise((resolve, reject) => {
      let sentAt = 0;
      let waiting = false;
      let pending = '';
      const send = (): void => {
        if (performance.now() >= ends) {
          socket.destroy();
          resolve();
        } else if (due()) {
          waiting = true;
          sentAt = performance.now();
          socket.write(nextRequest());
        } else setTimeout(send, 1);
      };
      socket.on('data', (chunk: Buffer) => {
        pending = pending === '' ? chunk.toString('latin1') : pending + chunk.toString('latin1');
        const length = answerLength(pending);
        if (!waiting || length === null || pending.length < length) return;
        waiting = false;
        const now = performance.now();
        if (now >= warmUntil) {
          answered += 1;
          latency.record(Math.max(1, Math.round((now - sentAt) * 1000)));
          if (!pending.startsWith('HTTP/1.1 200')) {
            failed += 1;
            if (failed === 1) process.stderr.write(`${pending}\n`);
          }
        }
        pending = '';
        send();
      });
      socket.once('error', reject);
      socket.once('close', () => resolve());
      socket.setNoDelay(true);
      send();
    });

  const sockets = await Promise.all(
    Array.from(
      { length: load.connections },
      () =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connect(Number(port), hostname, () => resolve(socket));
          socket.once('error', reject);
        }),
    ),
  );
  await Promise.all(sockets.map(drive));
  const seconds = (performance.now() - warmUntil) / 1000;
  return {
    perSecond: answered / seconds,
    failed,
    p99: latency.percentile(99) / 1000,
  };
}

const contentLength = /\r\ncontent-length: (\d+)/i;

/** How long the answer is in all; null: its head is not whole yet. */
function answerLength(text: string): number | null {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return null;
  return head + 4 + Number(contentLength.exec(text.slice(0, head))?.[1] ?? 0);
}
