import { execFileSync } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { loadRegistrations } from '@matrix-futures/gateway';

const main = join(import.meta.dirname, '../../src/main.ts');
let scratch: string;
let out: string;
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'registration-'));
  out = join(scratch, 'made');
});
afterEach(() => rmSync(scratch, { recursive: true }));

const flags = () => ['--server-name', 'example.org', '--listener', 'http://127.0.0.1:8010', '--out', out];
const run = (...argv: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'registration', ...argv], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
};
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);
const contents = () => ['puppet.yaml', 'listener.yaml'].map((file) => readFileSync(join(out, file), 'utf8'));

describe('matrix-futures registration', () => {
  it('writes both files, for nobody but their owner, and nothing else', async () => {
    expect(run(...flags())).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(out).toSorted()).toEqual(['listener.yaml', 'puppet.yaml']);
    expect([out, join(out, 'puppet.yaml'), join(out, 'listener.yaml')].map(modeOf)).toEqual([
      '700',
      '600',
      '600',
    ]);
    const { registrations, warnings } = await loadRegistrations(out);
    expect(registrations.listener.url).toBe('http://127.0.0.1:8010');
    expect(warnings).toEqual([]);
  });

  it('lets the group read them when asked to, whatever the umask', () => {
    execFileSync('sh', [
      '-c',
      'umask 077 && exec "$@"',
      'sh',
      process.execPath,
      main,
      'registration',
      ...flags(),
      '--group',
    ]);
    expect([join(out, 'puppet.yaml'), join(out, 'listener.yaml')].map(modeOf)).toEqual(['640', '640']);
  });

  it('says what the token is worth, and how the homeserver loads the files, without a token', () => {
    const { stdout } = run(...flags());
    expect(stdout).toContain('the power over every account');
    expect(stdout).toContain(
      `app_service_config_files: ["${join(out, 'puppet.yaml')}", "${join(out, 'listener.yaml')}"]`,
    );
    for (const kind of ['synapse', 'dendrite', 'tuwunel', 'continuwuity', 'palpo'])
      expect(stdout).toContain(kind);
    const tokens = contents().flatMap((text) => text.match(/[\da-f]{64}/g) ?? []);
    expect(tokens).toHaveLength(4);
    for (const token of tokens) expect(stdout).not.toContain(token);
  });

  it('gives the puppet an address for palpo, and speaks of palpo alone', async () => {
    const { stdout } = run(...flags(), '--for', 'palpo');
    expect(stdout).not.toContain('synapse');
    expect((await loadRegistrations(out)).registrations.puppet.url).toBe('http://127.0.0.1:8010');
  });

  it('leaves files that are there alone', () => {
    run(...flags());
    const before = contents();
    const again = run(...flags());
    expect(again).toMatchObject({ status: 1, stdout: '' });
    expect(again.stderr).toContain('puppet.yaml is there already');
    expect(again.stderr).toContain('--rotate');
    expect(contents()).toEqual(before);
  });

  it('replaces them by new tokens with --rotate, as readable as before, and says what to restart in which order', () => {
    run(...flags(), '--group');
    const before = contents();
    const { status, stdout } = run(...flags(), '--rotate');
    expect(status).toBe(0);
    expect(stdout).toContain('Restart the homeserver first, then at once the gateway');
    const after = contents();
    for (const [index, text] of after.entries()) expect(text).not.toBe(before[index]);
    expect(modeOf(join(out, 'puppet.yaml'))).toBe('640');
    expect(readdirSync(out)).toHaveLength(2);
  });

  it('refuses a directory in which everybody can change files', () => {
    mkdirSync(out);
    chmodSync(out, 0o777);
    const { status, stderr } = run(...flags());
    expect(status).toBe(1);
    expect(stderr).toContain(`chmod o-w ${out}`);
    expect(existsSync(join(out, 'puppet.yaml'))).toBe(false);
  });

  test.each([
    [['--server-name', 'https://example.org'], '--server-name: "https://example.org" is not a server name'],
    [['--listener', '127.0.0.1:8010'], '--listener: "127.0.0.1:8010" is not a web address'],
    [['--listener', 'http://user:pass@localhost'], 'is not a web address'],
    [['--for', 'conduit'], '--for: "conduit" is not synapse or dendrite'],
    [['--out', ''], '--out: "" is not a text'],
  ])('refuses %j', (wrong, message) => {
    const [name] = wrong;
    const at = flags().indexOf(name ?? '');
    const others = at === -1 ? flags() : flags().toSpliced(at, 2);
    const { status, stderr } = run(...others, ...wrong);
    expect(status).toBe(1);
    expect(stderr).toContain(message);
    expect(existsSync(out)).toBe(false);
  });

  test.each([
    [['--sever-name', 'x'], 'There is no flag --sever-name; the nearest is --server-name'],
    [['--listener'], '--listener needs a value'],
    [['--group=yes'], '--group takes no value'],
    [['--rotate', '--rotate'], '--rotate is given twice'],
    [['now'], '"now" is neither a flag nor the value of one'],
    [[], '--server-name is missing'],
  ])('says what is wrong with %j', (argv, message) => {
    expect(run(...argv).stderr).toContain(message);
  });
});
