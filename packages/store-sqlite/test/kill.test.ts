import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { SetClock, StoreFixture } from './store-fixture.ts';

const loadScript = fileURLToPath(new URL('kill-load.ts', import.meta.url));

/** What one future was last said to be. */
interface Said {
  deadline: number;
  sent: boolean;
}

/** Runs the load until it has said `lines` lines more, then kills it in the middle of whatever it does. */
async function loadAndKill(
  path: string,
  from: number,
  lines: number,
  said: Map<number, Said>,
): Promise<void> {
  const child = spawn(process.execPath, [loadScript, path, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  let left = lines;
  for await (const line of createInterface({ input: child.stdout })) {
    const [what, id, deadline] = line.split(' ');
    const before = said.get(Number(id)) ?? { deadline: 0, sent: false };
    said.set(
      Number(id),
      what === 'sent' ? { ...before, sent: true } : { ...before, deadline: Number(deadline) },
    );
    left -= 1;
    if (left === 0) child.kill('SIGKILL');
  }
  await exit;
}

test('whatever was answered before kill -9 is there afterwards, and nothing else has half happened', async () => {
  const clock = new SetClock();
  const fixture = new StoreFixture({ clock });
  const said = new Map<number, Said>();
  for (const round of [1, 2, 3]) {
    fixture.database.connection.close();
    await loadAndKill(fixture.path, clock.instant, 150 * round, said);
    clock.instant += 1e6;
    const store = fixture.reopen();
    for (const [id, { deadline, sent }] of said) {
      const { future, group } = (await store.find(id)) ?? {};
      expect(future?.deadline).toBeGreaterThanOrEqual(deadline);
      if (sent) expect(future?.outcome?.kind).toBe('sent');
      expect(group?.phase).toBe(future?.outcome?.kind === 'sent' ? 'sent' : 'open');
    }
    expect(fixture.ask('PRAGMA integrity_check')).toBe('ok');
    expect(fixture.ask('SELECT count(*) FROM futures WHERE id NOT IN (SELECT future FROM drafts)')).toBe(0);
    expect(fixture.ask('SELECT count(*) FROM futures WHERE group_id NOT IN (SELECT id FROM groups)')).toBe(0);
  }
  expect(said.size).toBeGreaterThan(30);
  fixture.remove();
}, 120_000);
