import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRegistrations } from '@matrix-futures/gateway';
import { LastingServer } from '../lasting-server.ts';
import { runCommand } from '../server-process.ts';
import { Between } from './between.ts';
import type { RunningUpstream, Upstream } from './upstreams.ts';

/**
 * A gateway in a process of its own in front of a homeserver in one of its own, and somebody in between on both ways:
 *
 * ```
 * clients ─▶ gateway ─▶ toUpstream ─▶ homeserver ─▶ toListener ─▶ gateway
 * ```
 */
export interface GatewayInFront extends AsyncDisposable {
  readonly gateway: LastingServer;
  readonly upstream: RunningUpstream;
  readonly toUpstream: Between;
  readonly toListener: Between;
}

/** @param flags of the gateway, beside those that every one needs */
export async function startGatewayInFront(
  upstream: Upstream,
  flags: readonly string[] = [],
): Promise<GatewayInFront> {
  await using opened = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'registrations-'));
  opened.defer(() => rm(directory, { recursive: true, force: true }));

  const listenerUrl = await addressOfListener(upstream);
  const gatewayUrl = Promise.withResolvers<string>();
  const toListener = await Between.start(gatewayUrl.promise, portOf(listenerUrl));
  opened.use(toListener);
  const registration = upstream.registration ?? join(directory, 'made');
  if (upstream.registration === null) await register(toListener.url, registration);
  const running = opened.use(await upstream.start(registration));
  const toUpstream = opened.use(await Between.start(running.url));
  const gateway = opened.use(
    await LastingServer.start([
      ...['--upstream', toUpstream.url, '--registration', registration],
      ...['--upstream-time-limit', `${upstream.timeLimit}ms`, '--rate-limits', 'off', ...flags],
    ]),
  );
  gatewayUrl.resolve(gateway.url);
  const all = opened.move();
  return {
    ...{ gateway, toUpstream, toListener, upstream: running },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** null: it can be anywhere */
async function addressOfListener({ registration }: Upstream): Promise<string | null> {
  return registration === null ? null : (await loadRegistrations(registration)).registrations.listener.url;
}

function portOf(url: string | null): number | null {
  return url === null ? null : Number(new URL(url).port);
}

async function register(listenerUrl: string, directory: string): Promise<void> {
  const flags = ['--server-name', 'localhost', '--listener', listenerUrl, '--out', directory];
  const { code, stderr } = await runCommand(['registration', ...flags]);
  if (code !== 0) throw new Error(`no registrations: ${stderr}`);
}
