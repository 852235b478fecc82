import Type, { type TObject, type TOptional, type TString } from 'typebox';

/** The query parameters of an endpoint as they were written, by name. */
export interface QueryTexts {
  readonly [name: string]: string | undefined;
}

/** A schema for query parameters that may be left out, and are judged later than the request's replay. */
export function queryTexts(names: readonly string[]): TObject<Record<string, TOptional<TString>>> {
  return Type.Object(Object.fromEntries(names.map((name) => [name, Type.Optional(Type.String())])));
}
