import { describe, expect, it } from 'vitest';
import { everyEndpoint } from '../../src/doctor/every-endpoint.ts';
import { probesOf } from '../../src/doctor/probes.ts';

const endpoints = everyEndpoint();
const { usual, odd } = probesOf(endpoints);

describe('what the doctor asks', () => {
  it('has every path of the API, and every parameter on every path that takes it', () => {
    const targets = new Set(usual.map(({ target }) => target.replace(/=60000$/, '')));
    const wanted = endpoints.flatMap(({ paths, when }) => paths.length * (when?.parameters.length ?? 1));
    expect(targets.size).toBeGreaterThan(0.8 * wanted.reduce((sum, one) => sum + one, 0));
    expect(targets).toContain('/_matrix/client/v1/delayed_events/doctor/restart');
    expect(targets).toContain(
      '/_matrix/client/v3/rooms/!doctor%3Ainvalid/send/dev.matrix-futures.doctor/doctor?org.matrix.msc4140.delay',
    );
    for (const target of targets) expect(target).not.toMatch(/\/:/);
  });

  it('has every parameter in spellings that are not the usual one, and mean it', () => {
    const names = new Set(endpoints.flatMap(({ when }) => when?.parameters ?? []));
    for (const name of names) {
      const spelled = odd.filter(({ target }) =>
        (target.split('?')[1] ?? '').split(/[&;]/).some((pair) => decoded(pair.split('=')[0] ?? '') === name),
      );
      expect(spelled.length, name).toBe(10);
      for (const { target } of spelled) expect(usual.map((one) => one.target)).not.toContain(target);
    }
  });

  it('has the path of a batch in spellings that are not the usual one, and mean it', () => {
    const spelled = odd.filter(({ target }) => !target.includes('?'));
    expect(spelled.length).toBe(6);
    for (const { target } of spelled) {
      expect(decoded(target).replaceAll('//', '/')).toMatch(/\/rooms\/[^/]+\/send\/future\/doctor$/);
      expect(usual.map((one) => one.target)).not.toContain(target);
    }
  });

  it('can do nothing: no room, and no event that anybody reads', () => {
    for (const { target } of [...usual, ...odd].filter(({ target }) => /rooms/.test(decoded(target))))
      expect(target).toMatch(/!doctor%3Ainvalid/);
  });
});

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
