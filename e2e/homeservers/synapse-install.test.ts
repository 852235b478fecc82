import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { installSynapse } from './synapse-install.ts';

let cache: string;
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'cache-'));
});
afterEach(() => rm(cache, { recursive: true }));

it('names Python where there is none', async () => {
  await expect(installSynapse({ cache, env: { PATH: cache } })).rejects.toThrow(
    /^Synapse needs python3 on the PATH/,
  );
});

it('names the registry where it cannot be reached, and does not take what is there for an installation', async () => {
  const env = { PIP_INDEX_URL: 'http://127.0.0.1:9/', PIP_FIND_LINKS: '', PIP_RETRIES: '0' };
  const attempt = () => installSynapse({ cache, env }).catch(String);
  const failure = expect.stringContaining('is a package registry within reach?');
  expect(await Promise.all([attempt(), attempt()])).toEqual([failure, failure]);
});
