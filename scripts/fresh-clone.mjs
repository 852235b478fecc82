// Clones this repository into a temporary folder, runs `npm start` there with the machine's own Node and npm, sends one
// scheduled event through the server, and stops it. Fails unless every step does what a newcomer would expect.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const repository = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'fresh-clone-'));
const clone = join(folder, 'clone');
const timeoutMs = 300;

/** The address in the server's ready line. */
async function ready(server) {
  for await (const line of createInterface({ input: server.stdout })) {
    console.log(line);
    const address = /ready on (http:\/\/\S+)/.exec(line)?.[1];
    if (address) return address;
  }
  throw new Error('the server ended before it was ready');
}

async function scheduledEvent(address) {
  const request = async (method, path, body, token) => {
    const response = await fetch(`${address}/_matrix/client${path}`, {
      method,
      headers: token ? { authorization: `Bearer ${token}` } : {},
      ...(body && { body: JSON.stringify(body) }),
    });
    const answer = await response.json();
    assert.equal(response.status, 200, `${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
  const auth = { type: 'm.login.dummy' };
  const { access_token: token } = await request('POST', '/v3/register', {
    username: 'newcomer',
    password: 'a long enough one',
    auth,
  });
  const { room_id: room } = await request('POST', '/v3/createRoom', {}, token);
  const { next_batch: since } = await request('GET', '/v3/sync?timeout=0', undefined, token);
  const content = { body: 'from the past', msgtype: 'm.text' };
  const path = `/v3/rooms/${encodeURIComponent(room)}/send_future/m.room.message/1?future_timeout=${timeoutMs}`;
  const scheduled = Date.now();
  await request('PUT', path, content, token);
  for (let from = since; Date.now() < scheduled + 10_000;) {
    const sync = await request('GET', `/v3/sync?timeout=5000&since=${from}`, undefined, token);
    const events = sync.rooms?.join?.[room]?.timeline?.events ?? [];
    if (events.some((event) => event.content.body === content.body)) {
      const after = Date.now() - scheduled;
      assert.ok(after >= timeoutMs, `sent after ${after} ms, before its ${timeoutMs} ms were over`);
      return after;
    }
    from = sync.next_batch;
  }
  throw new Error('the scheduled event never came');
}

async function startAndStop() {
  // Not what this script itself was started with: a newcomer's npm has none of it.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  const args = [
    'start',
    '--',
    '--listen',
    '127.0.0.1:0',
    '--open-registration',
    '--data-dir',
    join(folder, 'data'),
  ];
  const server = spawn('npm', args, {
    cwd: clone,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32',
  });
  const ended = once(server, 'exit');
  try {
    const address = await ready(server);
    console.log(
      `sent and seen ${await scheduledEvent(address)} ms after it was handed over, due after ${timeoutMs} ms`,
    );
  } finally {
    server.kill('SIGTERM');
  }
  const [code] = await ended;
  assert.equal(code, 0, `SIGTERM ended npm start with ${code}`);
}

try {
  execFileSync('git', ['clone', '--quiet', '--no-hardlinks', repository, clone], { stdio: 'inherit' });
  await startAndStop();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
