import type { JsonObject } from '@matrix-futures/engine';
import Type from 'typebox';
import { Compile } from 'typebox/compile';

const object = Compile(Type.Unsafe<JsonObject>(Type.Object({})));

/** Reads back an object that was stored as JSON. @throws where the database holds something else */
export function parseStored(json: string): JsonObject {
  return object.Parse(JSON.parse(json));
}
