import { delayingParameters } from '@matrix-futures/api';
import { array, assert, boolean, constantFrom, property, record } from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';
import { everyEndpoint } from '../../src/doctor/every-endpoint.ts';
import { beforeSecret, ownPaths, sentAtOnce } from '../../src/proxy-config/patterns.ts';
import { traefikConfig } from '../../src/proxy-config/traefik.ts';

const endpoints = everyEndpoint();
const all = [...ownPaths.regexes, ...sentAtOnce.regexes];
const matcher = (regexes: readonly string[]) => {
  const compiled = regexes.map((regex) => new RegExp(regex));
  return (url: string) => compiled.some((regex) => regex.test(url));
};
const isForGateway = matcher(all);

const fill = (path: string) => path.replaceAll(/:\w+/g, '!x%2Fy');
const own = endpoints.filter(({ when }) => when === null).flatMap(({ paths }) => paths);
const shared = endpoints.filter(({ when }) => when !== null);

/** Ways to write a text of which some characters are percent-encoded. */
const spellings = (text: string) =>
  array(record({ encoded: boolean(), upper: boolean() }), {
    minLength: text.length,
    maxLength: text.length,
  }).map((choices) =>
    Array.from(text, (character, index) => {
      const hex = character.charCodeAt(0).toString(16);
      const { encoded, upper } = choices[index] ?? { encoded: false, upper: false };
      return encoded ? `%${upper ? hex.toUpperCase() : hex}` : character;
    }).join(''),
  );

describe("what proxies are told is the gateway's", () => {
  test.each(own)('has %s', (path) => {
    expect(isForGateway(fill(path))).toBe(true);
    expect(isForGateway(`${fill(path)}?limit=1`)).toBe(true);
  });

  it('has /capabilities, and where Element Call asks whether leaves are delegated', () => {
    for (const url of [
      '/_matrix/client/v3/capabilities',
      '/_matrix/client/r0/capabilities?x',
      '/_matrix/client/unstable/io.element.msc4195/rtc/livekit/delegate_delayed_leave',
    ])
      expect(isForGateway(url), url).toBe(true);
  });

  it('has every parameter that schedules, and no request without one', () => {
    const cases = shared.flatMap(({ paths, when }) =>
      paths.flatMap((path) => (when?.parameters ?? []).map((name) => [fill(path), name] as const)),
    );
    expect(cases.length).toBeGreaterThan(40);
    expect(new Set(cases.map(([, name]) => name))).toEqual(new Set(delayingParameters));
    for (const [path, name] of cases) {
      expect(isForGateway(`${path}?${name}`), name).toBe(true);
      expect(isForGateway(`${path}?a=b&${name}=5`), name).toBe(true);
      if (!own.some((one) => fill(one) === path))
        expect(isForGateway(`${path}?a=${name.slice(0, 8)}`)).toBe(false);
    }
  });

  it('has parameters in every encoding of every one of their characters', () => {
    for (const name of delayingParameters)
      assert(
        property(spellings(name), constantFrom('', 'a=1&', 'a=%zz;', 'a?b&', '&+'), (spelled, before) => {
          expect(decodeURIComponent(spelled)).toBe(name);
          expect(isForGateway(`/_matrix/client/v3/rooms/!r/send/a/t?${before}${spelled}=5`)).toBe(true);
        }),
      );
  });

  it('has batches, to homeservers events of type future, in every encoding and under every prefix', () => {
    const prefixes = constantFrom('v3', 'r0', 'api/v1', 'unstable', 'unstable/org.matrix.msc4140');
    const slashes = constantFrom('/', '//', '/./', '/%2E/', '/x/%2e./');
    assert(
      property(
        ...([prefixes, slashes, spellings('rooms'), spellings('send'), spellings('future')] as const),
        (prefix, slash, rooms, send, future) => {
          const path = [prefix, rooms, '!r%3Aexample.org', send, future, 't'].join(slash);
          expect(isForGateway(`/_matrix/client/${path}`)).toBe(true);
        },
      ),
    );
  });

  it('can be read by every proxy: no backslash, no quote, no space', () => {
    for (const regex of [...all, beforeSecret]) expect(regex).not.toMatch(/[\\'"`\s]/);
  });

  it('is no plain request, whatever a client has to encode in it, and nothing that only sounds alike', () => {
    const needed = encodeURIComponent('/:;@#$%&=+?,!* "<>[]{}|^`\\~é☃');
    for (const url of [
      '/_matrix/client/v3/sync?since=s1',
      '/_matrix/client/v3/rooms/!r/send/m.room.message/future',
      '/_matrix/client/v3/rooms/!r/state/futures/x',
      '/_matrix/client/v3/user/@a:b/account_data/futures',
      '/_matrix/client/v3/rooms/!r/messages?filter=%7B%22types%22%3A%5B%22a.b%22%5D%7D',
      `/_matrix/client/v3/rooms/${needed}/send/${needed}/${needed}?${needed}=${needed}`,
      '/_matrix/client/v3/rooms/!r/send/m%2Eroom%2Emessage/t?user%5Fid=%40a',
    ])
      expect(isForGateway(url), url).toBe(false);
  });
});

describe('what proxies do not log', () => {
  it('has every token and every delay id in a path of the API', () => {
    const paths = own.filter((path) => /:(token|delayId)\b/.test(path));
    expect(paths.length).toBeGreaterThan(15);
    for (const path of paths)
      expect(
        path.replace(/:(token|delayId)/, 'SECRET').replace(new RegExp(`(${beforeSecret})[^/?]+`), '$1***'),
      ).not.toContain('SECRET');
  });
});

describe('rules for Traefik', () => {
  const request = {
    gateway: { isSecure: false, host: '127.0.0.1', port: 8010 },
    homeserver: { isSecure: true, host: 'homeserver', port: 443 },
    serverName: 'example.org:8448',
  };
  test.each(['paths', 'all'] as const)('are YAML whose routers name what is there (%s)', (mode) => {
    const { http } = parse(traefikConfig({ ...request, front: mode }));
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
    const { http } = parse(traefikConfig({ ...request, front: 'paths' }));
    const { rule } = http.routers['matrix-gateway'];
    const matches = matcher(Array.from(rule.matchAll(/PathRegexp\(`([^`]+)`\)/g), ([, regex]) => regex));
    for (const path of own) expect(matches(path.replaceAll(/:\w+/g, 'x')), path).toBe(true);
    expect(matches('/_matrix/client/v3/rooms/!r/send/m.room.message/t')).toBe(false);
    for (const name of delayingParameters) expect(rule).toContain(`QueryRegexp(\`${name}\`, \`.*\`)`);
  });
});
