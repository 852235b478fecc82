import type { IncomingMessage, RequestListener } from 'node:http';
import { describe, expect, test } from 'vitest';
import { patience } from '../../src/proxy/versions.ts';
import { gatewayBefore, gatewayTo, timers, upstreamOf } from './proxying.ts';

const theirs = {
  versions: ['v1.1', 'v1.11'],
  unstable_features: {
    'org.matrix.msc3030': true,
    'org.matrix.msc4140': true,
    'org.matrix.msc4140.stable': true,
    'io.element.msc3140': false,
  },
  server: { extra: 1 },
};
const merged = {
  ...theirs,
  unstable_features: { 'org.matrix.msc3030': true, 'dev.test': true },
};

const json = (body: unknown, headers: Record<string, string> = {}): RequestListener => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return (_request, response) =>
    void response.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(text);
};

const versionsPath = '/_matrix/client/versions';
const versions = async (url: string, headers: Record<string, string> = {}) => {
  const answer = await fetch(`${url}${versionsPath}`, { headers });
  return { status: answer.status, cache: answer.headers.get('cache-control'), body: await answer.json() };
};

describe('/versions', () => {
  test("is the homeserver's answer, with the flags of what is served here in place of its own", async () => {
    const { url } = await gatewayBefore(json(theirs, { 'X-Kept': 'yes' }));
    const answer = await fetch(`${url}${versionsPath}`);
    expect(answer.headers.get('x-kept')).toBe('yes');
    expect(answer.headers.get('vary')).toBe('Authorization');
    expect(await answer.json()).toEqual(merged);
  });

  test('is asked uncompressed, with the access token of the client', async () => {
    const seen: IncomingMessage[] = [];
    const { url } = await gatewayBefore((request, response) => {
      seen.push(request);
      json(theirs)(request, response);
    });
    const personal = await versions(url, { Authorization: 'Bearer t', 'Accept-Encoding': 'gzip' });
    expect(seen[0]?.headersDistinct).toMatchObject({
      authorization: ['Bearer t'],
      'accept-encoding': ['identity'],
    });
    expect(personal.cache).toMatch(/^private/);
    expect((await versions(url)).cache).toMatch(/^public/);
    const named = await fetch(`${url}/_matrix/client/versions?access%5Ftoken=t`);
    expect(named.headers.get('cache-control')).toMatch(/^private/);
  });

  test('is the last answer to nobody in particular while the homeserver is away', async () => {
    const upstream = await upstreamOf((request, response) => {
      const own = request.headers.authorization === undefined ? {} : { personal: true };
      json({ ...theirs, ...own })(request, response);
    });
    const { url } = await gatewayTo(upstream.port);
    await versions(url);
    await versions(url, { Authorization: 'Bearer t' });
    upstream.stop();
    for (const headers of [{}, { Authorization: 'Bearer t' }])
      expect(await versions(url, headers)).toMatchObject({ status: 200, body: merged });
  });

  test('is the last answer while the homeserver fails, and what the homeserver says when it has never answered', async () => {
    let isFailing = true;
    const { url } = await gatewayBefore((request, response) => {
      if (isFailing) response.writeHead(503).end('{"errcode":"M_X"}');
      else json(theirs)(request, response);
    });
    expect(await versions(url)).toMatchObject({ status: 503, body: { errcode: 'M_X' } });
    isFailing = false;
    await versions(url);
    isFailing = true;
    expect(await versions(url)).toMatchObject({ status: 200, body: merged });
  });

  test('is the last answer when the homeserver takes its time', async () => {
    let isSlow = false;
    const impatient = {
      ...timers,
      after: (delay: number, run: () => void) => timers.after(delay === patience && isSlow ? 0 : delay, run),
    };
    const { url } = await gatewayBefore(
      (request, response) => void (isSlow || json(theirs)(request, response)),
      { timers: impatient },
    );
    await versions(url);
    isSlow = true;
    expect(await versions(url)).toMatchObject({ status: 200, body: merged });
  });

  test('is 502 when the homeserver has never been there', async () => {
    const upstream = await upstreamOf(() => {});
    upstream.stop();
    const { url } = await gatewayTo(upstream.port);
    expect(await versions(url)).toMatchObject({ status: 502, body: { errcode: 'M_UNKNOWN' } });
  });
});

describe('an answer that cannot be rewritten goes on as it is', () => {
  test.each([
    ['no JSON', '<html>', {}],
    ['no object', '[1]', {}],
    ['of another type', '{"a":1}', { 'Content-Type': 'text/html' }],
    ['compressed', '{"a":1}', { 'Content-Encoding': 'x-other' }],
    ['above a mebibyte', JSON.stringify({ a: 'x'.repeat(1024 * 1024) }), {}],
  ])('%s', async (_name, body, headers) => {
    const { url } = await gatewayBefore(json(body, headers));
    expect(await (await fetch(`${url}${versionsPath}`)).text()).toBe(body);
  });

  test('unless it breaks off first: then it is none', async () => {
    const { url } = await gatewayBefore((_request, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' }).write('{"versions":');
      setImmediate(() => response.destroy());
    });
    expect(await versions(url)).toMatchObject({ status: 502, body: { errcode: 'M_UNKNOWN' } });
  });
});

describe('/capabilities', () => {
  const capabilities = {
    'm.change_password': { enabled: true },
    'org.matrix.msc4140.delayed_events': { max_delay_ms: 0 },
    'm.delayed_events': { max_delay_ms: 1 },
  };
  const ours = { 'org.matrix.msc4140.delayed_events': { max_delay_ms: 99 } };

  test.each(['r0', 'v3'])("is the homeserver's answer with ours in place of its own: %s", async (version) => {
    const { url } = await gatewayBefore(json({ capabilities, more: 1 }), { capabilities: () => ours });
    const answer = await fetch(`${url}/_matrix/client/${version}/capabilities`);
    expect(await answer.json()).toEqual({
      capabilities: { 'm.change_password': { enabled: true }, ...ours },
      more: 1,
    });
  });

  test('passes errors on unchanged', async () => {
    const body = '{"errcode": "M_UNKNOWN_TOKEN", "soft_logout": true}';
    const { url } = await gatewayBefore(
      (_request, response) => void response.writeHead(401, { 'Content-Type': 'application/json' }).end(body),
    );
    const answer = await fetch(`${url}/_matrix/client/v3/capabilities`);
    expect([answer.status, await answer.text()]).toEqual([401, body]);
  });
});
