import type { JsonObject } from '@matrix-futures/engine';
import Type from 'typebox';

/** The content of an event, in bodies: any JSON object. What is in it, the homeserver judges. */
export const eventContent = Type.Unsafe<JsonObject>(Type.Object({}));
