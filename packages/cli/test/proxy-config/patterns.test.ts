import { assert, constantFrom, integer, property, record, array, boolean } from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import { everyEndpoint } from '../../src/proxy-config/every-endpoint.ts';
import { frontOf } from '../../src/proxy-config/front.ts';
import { inAnyEncoding, patternsOf } from '../../src/proxy-config/patterns.ts';
import { traefikConfig } from '../../src/proxy-config/traefik.ts';

const endpoints = everyEndpoint();
const front = frontOf(endpoints);
const delaying = patternsOf(front).delaying.map(({ regex }) => new RegExp(regex));
const isForGateway = (url: string) => delaying.some((regex) => regex.test(url));

const fill = (path: string) => path.replaceAll(/:\w+/g, '!x%2Fy');
const own = endpoints.filter(({ when }) => when === null).flatMap(({ paths }) => paths);
const shared = endpoints.filter(({ when }) => when !== null);

describe("what proxies are told is the gateway's", () => {
  test.each(own)('has %s', (path) => {
    expect(isForGateway(fill(path))).toBe(true);
    expect(isForGateway(`${fill(path)}?limit=1`)).toBe(true);
  });

  it('has every parameter that schedules, and no request without one', () => {
    const cases = shared.flatMap(({ paths, when }) =>
      paths.flatMap((path) => (when?.parameters ?? []).map((name) => [fill(path), name] as const)),
    );
    expect(cases.length).toBeGreaterThan(40);
    for (const [path, name] of cases) {
      expect(isForGateway(`${path}?a=b&${name}=5`), name).toBe(true);
      if (!own.some((one) => fill(one) === path))
        expect(isForGateway(`${path}?a=${name.slice(0, 8)}`)).toBe(false);
    }
  });

  it('knows a name in every encoding of every one of its characters', () => {
    const name = 'org.matrix.msc4140.delay';
    const spelling = array(record({ encoded: boolean(), upper: boolean() }), {
      minLength: name.length,
      maxLength: name.length,
    });
    assert(
      property(spelling, constantFrom('', 'a=1&', 'a=%zz;'), integer(), (choices, before, delay) => {
        const spelled = Array.from(name, (character, index) => {
          const hex = character.charCodeAt(0).toString(16);
          const { encoded, upper } = choices[index] ?? { encoded: false, upper: false };
          return encoded ? `%${upper ? hex.toUpperCase() : hex}` : character;
        }).join('');
        expect(decodeURIComponent(spelled)).toBe(name);
        expect(isForGateway(`/_matrix/client/v3/rooms/!r/send/a/t?${before}${spelled}=${delay}`)).toBe(true);
      }),
    );
  });

  it('can be read by every proxy: no backslash, no quote, and no line that nginx finds too long', () => {
    for (const { regex } of patternsOf(front).delaying) {
      expect(regex).not.toMatch(/[\\'"`\s]/);
      expect(regex.length).toBeLessThan(4_000);
    }
  });

  it('is no plain request, and nothing that only sounds alike', () => {
    for (const url of [
      '/_matrix/client/v3/sync?since=s1',
      '/_matrix/client/v3/rooms/!r/send/m.room.message/future',
      '/_matrix/client/v3/rooms/!r/state/futures/x',
      '/_matrix/client/v3/user/@a:b/account_data/futures',
      '/_matrix/client/v3/rooms/!r/messages?filter=%7B%22types%22%3A%5B%22a.b%22%5D%7D',
    ])
      expect(isForGateway(url), url).toBe(false);
  });

  test('a dot in a name is a dot', () => {
    expect(new RegExp(`^${inAnyEncoding('a.b')}$`).test('axb')).toBe(false);
  });
});

describe('rules for Traefik', () => {
  const request = {
    gateway: { isSecure: false, host: '127.0.0.1', port: 8010 },
    homeserver: { isSecure: true, host: 'homeserver', port: 443 },
    serverName: 'example.org:8448',
  };
  test.each(['paths', 'all'] as const)('are YAML whose routers name what is there (%s)', (mode) => {
    const { http } = parse(traefikConfig(front, { ...request, front: mode }));
    for (const { service, middlewares = [], rule } of Object.values<any>(http.routers)) {
      expect(Object.keys(http.services)).toContain(service);
      for (const name of middlewares) expect(Object.keys(http.middlewares)).toContain(name);
      expect(rule).toMatch(/^Host\(`example\.org`\) && /);
    }
    expect(http.services['matrix-homeserver'].loadBalancer.servers).toEqual([
      { url: 'https://homeserver:443' },
    ]);
  });

  it('match every path of the gateway when it is decoded, and every parameter by its whole name', () => {
    const { http } = parse(traefikConfig(front, { ...request, front: 'paths' }));
    const { rule } = http.routers['matrix-gateway'];
    const paths = new RegExp(/PathRegexp\(`([^`]+)`\)/.exec(rule)?.[1] ?? '');
    for (const path of own) expect(paths.test(path.replaceAll(/:\w+/g, 'x')), path).toBe(true);
    expect(paths.test('/_matrix/client/v3/rooms/!r/send/m.room.message/t')).toBe(false);
    for (const name of front.parameters) expect(rule).toContain(`QueryRegexp(\`${name}\`, \`.*\`)`);
  });
});
