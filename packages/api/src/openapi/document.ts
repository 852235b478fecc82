import type { Authentication, Endpoint } from '@matrix-futures/http';
import type { TSchema } from 'typebox';

/** Endpoints that belong together, under a name for people. */
export interface Chapter {
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
}

/**
 * An OpenAPI 3.1 description of the chapters, made of the schemas that requests are judged by. A path that is another
 * spelling of an earlier one refers to it.
 */
export function openApiDocument(chapters: readonly Chapter[]): object {
  const first = new Map<string, string>();
  const paths: Record<string, object> = {};
  for (const [path, operations] of Map.groupBy(operationsOf(chapters), (operation) => operation.path)) {
    const item = Object.fromEntries(operations.map((one) => [one.method.toLowerCase(), describe(one)]));
    const text = JSON.stringify(item);
    const earlier = first.get(text);
    if (earlier === undefined) first.set(text, path);
    paths[path] = earlier === undefined ? item : { $ref: `#/paths/${earlier.replaceAll('/', '~1')}` };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'matrix-futures',
      version: '0.1.0',
      description: 'Hand the server an event now, and it is sent later: every generation of the protocol.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: chapters.map(({ name }) => ({ name })),
    paths,
    components: {
      securitySchemes: { accessToken: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Error: {
          type: 'object',
          required: ['errcode', 'error'],
          properties: {
            errcode: { type: 'string' },
            error: { type: 'string' },
            retry_after_ms: { type: 'integer' },
          },
        },
      },
    },
  };
}

function describe({ path, chapters, endpoints }: Operation): object {
  const conditions = endpoints.flatMap(({ when, summary }) =>
    when === null ? [] : [`${summary}: with ${when.parameters.join(' or ')}.`],
  );
  const body = endpoints.find((endpoint) => endpoint.body !== null);
  return {
    tags: chapters,
    summary: [...new Set(endpoints.map(({ summary }) => summary))].join('; '),
    ...(conditions.length > 0 && { description: conditions.join(' ') }),
    security: security[endpoints[0]?.authentication ?? 'none'],
    parameters: [...pathParameters(path), ...queryParameters(endpoints)],
    ...(body !== undefined && {
      requestBody: {
        required: !body.bodyOptional,
        content: { 'application/json': { schema: anyOf(endpoints.map((one) => one.body)) } },
      },
    }),
    responses: {
      200: { description: 'Done', content: contentOf(endpoints) },
      default: {
        description: 'An error',
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
      },
    },
  };
}

const security: Readonly<Record<Authentication, readonly object[]>> = {
  required: [{ accessToken: [] }],
  optional: [{}, { accessToken: [] }],
  none: [],
};

function pathParameters(path: string): object[] {
  return Array.from(path.matchAll(/\{(\w+)\}/g), ([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

/** Of all endpoints. Which of them a request is for depends on these, so none is required in itself. */
function queryParameters(endpoints: readonly Endpoint[]): object[] {
  const all = new Map<string, object>();
  for (const { query } of endpoints)
    for (const [name, schema] of Object.entries(query?.properties ?? {}))
      all.set(name, { name, in: 'query', required: false, schema });
  return [...all.values()];
}

function contentOf(endpoints: readonly Endpoint[]): object {
  return { 'application/json': { schema: anyOf(endpoints.map(({ answers }) => answers)) } };
}

/** One schema for what one of several has. Without any there is nothing to say: it only refuses. */
function anyOf(schemas: readonly (TSchema | null)[]): object {
  const different = new Map(
    schemas.flatMap((one) => (one === null ? [] : [[JSON.stringify(one), one] as const])),
  );
  const [only = {}, ...others] = different.values();
  return others.length === 0 ? only : { anyOf: [only, ...others] };
}

/** One method of one path. Several endpoints may serve it, each for requests with its own parameters. */
interface Operation {
  /** `/rooms/{roomId}` */
  readonly path: string;
  readonly method: string;
  readonly chapters: readonly string[];
  readonly endpoints: readonly Endpoint[];
}

function operationsOf(chapters: readonly Chapter[]): Iterable<Operation> {
  const operations = new Map<string, Operation>();
  for (const { name, endpoints } of chapters) {
    for (const endpoint of endpoints) {
      for (const [path, method] of endpoint.paths.flatMap((one) =>
        endpoint.methods.map((by) => [one, by] as const),
      )) {
        const known = operations.get(`${method} ${path}`);
        operations.set(`${method} ${path}`, {
          path: path.replaceAll(/:(\w+)/g, '{$1}'),
          method,
          chapters: [...new Set([...(known?.chapters ?? []), name])],
          endpoints: [...(known?.endpoints ?? []), endpoint],
        });
      }
    }
  }
  return operations.values();
}
