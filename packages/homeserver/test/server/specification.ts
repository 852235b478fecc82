import { existsSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';

/**
 * The response schemas of the Matrix specification, where they are beside the project. Tests make their own assertions
 * too; without the file, those alone count.
 */
const file = new URL('../../../../../shared/spec/matrix-client-server-v1.19.schemas.json', import.meta.url);

interface Route {
  readonly method: string;
  readonly path: string;
  readonly responses: { readonly [status: string]: object | null };
}

const schemas: { routes: Route[]; $defs: object } | null = existsSync(file)
  ? JSON.parse(readFileSync(file, 'utf8'))
  : null;

const ajv = new Ajv({ strict: false, validateFormats: false });
const validators = new Map<object, ReturnType<Ajv['compile']>>();
const routes = (schemas?.routes ?? []).map((route) => ({
  ...route,
  pattern: new RegExp(`^${route.path.trim().replaceAll(/\{[^}]+\}/g, '[^/]+')}$`),
}));

/** @throws Error with what the specification has against the answer */
export function requireConformance(method: string, path: string, status: number, body: unknown): void {
  const v3 = path.replace('/client/r0/', '/client/v3/');
  const route = routes.find((candidate) => candidate.method === method && candidate.pattern.test(v3));
  const schema = route?.responses[status];
  if (schema === undefined || schema === null) return;
  let validate = validators.get(schema);
  if (validate === undefined) {
    // "One of" two kinds of object, where both are often true: any of them is meant.
    const { oneOf: anyOf, ...rest } = { oneOf: [{}], ...schema };
    validate = ajv.compile({ ...rest, anyOf, $defs: schemas?.$defs });
    validators.set(schema, validate);
  }
  if (!validate(body)) {
    throw new Error(
      `${method} ${path} ${status}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(body)}`,
    );
  }
}
