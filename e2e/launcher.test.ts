import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, it } from 'vitest';

let root: string;

/** Installs by writing what npm would, and leaves a line for each time it ran. */
const fakeNpm = `
const { appendFileSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs');
const { dirname } = require('node:path');
appendFileSync('installed.log', process.argv.slice(2).join(' ') + '\\n');
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
setTimeout(() => {
  for (const [path, { bin }] of Object.entries(packages)) {
    if (!bin) continue;
    mkdirSync(dirname(path + '/' + bin.node), { recursive: true });
    require('node:fs').symlinkSync(process.execPath, path + '/' + bin.node);
  }
  mkdirSync('node_modules', { recursive: true });
  writeFileSync('node_modules/.package-lock.json', JSON.stringify({ packages }));
}, 300);
`;

const script = `
process.on('SIGTERM', () => process.exit(7));
console.log(JSON.stringify({ argv: process.argv.slice(2), execPath: process.execPath }));
if (process.argv[2] === 'wait') setInterval(() => {}, 1000);
if (process.argv[2] === 'fail') process.exit(3);
`;

const lock = (version: string): string =>
  JSON.stringify({
    packages: {
      '': {},
      'packages/own': {},
      'node_modules/thing': { version, integrity: version },
      'node_modules/elsewhere': { version: '1', optional: true },
      'node_modules/node-here': {
        version: '26',
        os: process.platform,
        cpu: process.arch,
        bin: { node: 'bin/node' },
      },
    },
  });

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'launcher-'));
  await cp('scripts/run.mjs', join(root, 'scripts/run.mjs'));
  await writeFile(join(root, 'package-lock.json'), lock('1'));
  await writeFile(join(root, 'script.mjs'), script);
  await writeFile(join(root, 'fake-npm.js'), fakeNpm);
});
afterEach(() => rm(root, { recursive: true }));

function launch(...args: string[]): ChildProcess {
  return spawn(process.execPath, ['scripts/run.mjs', 'script.mjs', ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'], npm_execpath: join(root, 'fake-npm.js') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function outcome(child: ChildProcess): Promise<{ code: unknown; stdout: string; stderr: string }> {
  if (child.stdout === null || child.stderr === null) throw new Error('no output');
  const [[code], stdout, stderr] = await Promise.all([
    once(child, 'exit'),
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code, stdout, stderr };
}

const installations = async (): Promise<number> =>
  (await readFile(join(root, 'installed.log'), 'utf8')).trim().split('\n').length;

it('installs what is missing, once, without running scripts of packages, and not to standard output', async () => {
  const first = await outcome(launch('a', 'b c'));
  expect(JSON.parse(first.stdout)).toMatchObject({ argv: ['a', 'b c'] });
  expect(await readFile(join(root, 'installed.log'), 'utf8')).toMatch(/^ci --ignore-scripts/);
  await outcome(launch());
  expect(await installations()).toBe(1);
});

it('installs once when two start at the same time, and both run', async () => {
  const both = await Promise.all([outcome(launch('1')), outcome(launch('2'))]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);
  expect(await installations()).toBe(1);
});

it('installs again when the lock file has changed', async () => {
  await outcome(launch());
  await writeFile(join(root, 'package-lock.json'), lock('2'));
  await outcome(launch());
  expect(await installations()).toBe(2);
});

it('takes over from an installation that was killed', async () => {
  const dead = spawn(process.execPath, ['-e', '']);
  await once(dead, 'exit');
  await writeFile(join(root, '.installing'), String(dead.pid));
  expect(await outcome(launch())).toMatchObject({ code: 0 });
});

it('says so when the installation fails', async () => {
  await writeFile(join(root, 'fake-npm.js'), 'process.exit(1)');
  expect(await outcome(launch())).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('npm ci') as unknown,
  });
});

it('runs the pinned Node, not the one it was started with', async () => {
  await outcome(launch());
  const name = join(root, 'node_modules/node-here/bin/node');
  await rm(name);
  await writeFile(name, `#!/bin/sh\necho pinned "$@"\n`, { mode: 0o755 });
  const { stdout } = await outcome(launch('x'));
  expect(stdout).toBe(`pinned ${join(root, 'script.mjs')} x\n`);
});

it('passes the exit code on', async () => {
  expect(await outcome(launch('fail'))).toMatchObject({ code: 3 });
});

it('passes signals on, and waits for what the script makes of them', async () => {
  const child = launch('wait');
  const ended = outcome(child);
  if (child.stdout !== null) await once(child.stdout, 'readable');
  child.kill('SIGTERM');
  expect(await ended).toMatchObject({ code: 7 });
});
