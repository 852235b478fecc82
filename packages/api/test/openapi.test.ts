import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { serve } from './served.ts';

const everything = ['futures', 'delay-parameter', 'delayed-events'] as const;
const json = '/unstable/dev.matrix-futures/openapi.json';
const page = '/unstable/dev.matrix-futures/openapi';

describe('the description of the API', () => {
  test('is the one in the repository (vitest run packages/api/test/openapi.test.ts -u writes it)', async () => {
    const served = await serve({ generations: everything });
    const answer = await served.request('GET', json, { as: null });
    expect(answer.headers.get('content-type')).toBe('application/json');
    await expect(answer.text).toMatchFileSnapshot('../openapi.json');
  });

  test('has every path and method that is served, and no other', async () => {
    const served = await serve({ generations: everything });
    const { body } = await served.request('GET', json, { as: null });
    const itemOf = (item: any): object =>
      item.$ref === undefined ? item : body.paths[item.$ref.replace('#/paths/', '').replaceAll('~1', '/')];
    const described = Object.entries<object>(body.paths).flatMap(([path, item]) =>
      Object.keys(itemOf(item)).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const endpoints = served.endpoints.flatMap(({ methods, paths }) =>
      paths.flatMap((path) => methods.map((method) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)),
    );
    expect(new Set(described)).toEqual(new Set(endpoints));
  });

  test('has schemas that are schemas, and parameters for what its paths name', async () => {
    const served = await serve({ generations: everything });
    const { body } = await served.request('GET', json, { as: null });
    const ajv = new Ajv2020({ strict: false });
    for (const [path, methods] of Object.entries<any>(body.paths)) {
      if ('$ref' in methods) continue;
      const named = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
      for (const operation of Object.values<any>(methods)) {
        const inPath = operation.parameters.filter((one: any) => one.in === 'path');
        expect(inPath.map((one: any) => one.name)).toEqual(named);
        const schemas = [
          ...operation.parameters.map((one: any) => one.schema),
          operation.requestBody?.content['application/json'].schema ?? {},
          operation.responses['200'].content['application/json'].schema,
        ];
        for (const schema of schemas) expect(() => ajv.compile(schema)).not.toThrow();
        expect(operation.summary).not.toBe('');
      }
    }
  });

  test('leaves out what is switched off', async () => {
    const served = await serve({ generations: ['delay-parameter'] });
    const { text } = await served.request('GET', json, { as: null });
    expect(text).toContain('org.matrix.msc4140.delay');
    expect(text).not.toContain('send_future');
    expect(text).not.toContain('/v1/delayed_events');
  });

  test('is a page to read, too, which loads nothing', async () => {
    const served = await serve({ generations: everything });
    const response = await fetch(`${served.base}/_matrix/client${page}`);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const text = await response.text();
    expect(text).toContain('/v1/delayed_events/:delayId/send');
    expect(text).not.toMatch(/<script|<link|<img|src=|@import/);
  });
});
