import type { Static, TObject, TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';
import { type ErrorName, MatrixError } from './errors.ts';
import { parseJson } from './json.ts';
import type { Query } from './query.ts';

const emptyObject = Buffer.from('{}');

/**
 * Makes the reader of a body. What the schema does not name is let through, as everywhere in Matrix.
 * @param optional no body at all is then read as `{}`
 * @param wrong the error for what is not as the schema has it
 * @returns a reader that throws MatrixError: M_NOT_JSON, M_MISSING_PARAM for a missing property, else `wrong`
 */
export function bodyReader<B extends TSchema>(
  schema: B | undefined,
  optional: boolean,
  wrong: ErrorName,
): (bytes: Uint8Array) => Static<B> {
  if (schema === undefined) {
    return () => {
      throw new Error('This endpoint has no schema for its body');
    };
  }
  const validator = lazily(schema);
  return (bytes) => {
    const value = parseJson(optional && bytes.length === 0 ? emptyObject : bytes);
    if (validator().Check(value)) return value;
    throw complaint(validator().Errors(value), wrong);
  };
}

/**
 * Makes the reader of a query: the parameters its schema names, as strings; of repeated ones the first, unless the
 * schema says array. Without a schema there are none.
 * @returns a reader that throws MatrixError: M_MISSING_PARAM, M_INVALID_PARAM
 */
export function queryReader<Q extends TObject>(schema: Q | undefined): (query: Query) => Static<Q> {
  const validator = schema && lazily(schema);
  const fits = (value: unknown): value is Static<Q> => validator === undefined || validator().Check(value);
  const names = Object.entries(schema?.properties ?? {}).map(([name, property]) => ({
    name,
    many: 'type' in property && property.type === 'array',
  }));
  return (query) => {
    if (query.malformed) throw new MatrixError('invalidParam', 'The query cannot be decoded');
    const picked: Record<string, unknown> = {};
    for (const { name, many } of names) {
      const values = query.values.get(name);
      if (values !== undefined) picked[name] = many ? values : values[0];
    }
    if (fits(picked)) return picked;
    throw complaint(validator?.().Errors(picked), 'invalidParam');
  };
}

/** A schema takes 0.2 ms to compile, and a server has hundreds: each is compiled when it is first used. */
function lazily<S extends TSchema>(schema: S): () => Validator<{}, S> {
  let compiled: Validator<{}, S> | undefined;
  return () => (compiled ??= Compile(schema));
}

function complaint(violations: readonly TLocalizedValidationError[] = [], otherwise: ErrorName): MatrixError {
  const [first] = violations;
  if (first === undefined) return new MatrixError(otherwise, 'Not as the schema has it');
  const where = first.instancePath === '' ? 'The request' : first.instancePath.slice(1).replaceAll('/', '.');
  return new MatrixError(
    first.keyword === 'required' ? 'missingParam' : otherwise,
    `${where} ${choiceOf(first, violations) ?? first.message}`,
  );
}

/** Where it was one of several constants: all of them, which the schema's own words do not name. */
function choiceOf(
  { instancePath }: TLocalizedValidationError,
  violations: readonly TLocalizedValidationError[],
): string | null {
  const here = violations.filter((one) => one.instancePath === instancePath && one.keyword !== 'anyOf');
  const allowed = here.flatMap((one) => (one.keyword === 'const' ? [one.params.allowedValue] : []));
  if (allowed.length === 0 || allowed.length < here.length) return null;
  return `must be ${allowed.map((value) => JSON.stringify(value)).join(' or ')}`;
}
