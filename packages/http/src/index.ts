export { corsHeaders, type PreparedAnswer, prepareAnswer, sendPrepared } from './answer.ts';
export { limitBodyTime, readBody, type Timers } from './body.ts';
export { refuseSocket } from './client-error.ts';
export {
  type Answer,
  type Authentication,
  type Call,
  type Definition,
  type Endpoint,
  endpoint,
  type Method,
} from './endpoint.ts';
export { type ErrorKind, type ErrorName, errors, MatrixError, type Refusal } from './errors.ts';
export { type JsonObject, type JsonValue, parseJson } from './json.ts';
export { client, clientV1, unstable } from './paths.ts';
export { decodeQuery, type Query } from './query.ts';
export {
  accessTokenOf,
  type Asking,
  type Authenticate,
  AuthenticationUnavailable,
  type Requester,
} from './requester.ts';
export type { Fallback } from './handling.ts';
export {
  createServer,
  type FastPath,
  type Limits,
  type OnUpgrade,
  type Server,
  type ServerOptions,
} from './server.ts';
