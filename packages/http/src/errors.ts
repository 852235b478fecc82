import type { JsonValue } from './json.ts';

/**
 * Every error the server words itself: its HTTP status and its Matrix code (client-server specification, "Standard
 * error response"; the rows about futures: MSC4140 as of June 2024). This table is the only place that maps an error
 * to HTTP.
 */
export const errors = {
  // what is wrong with the request
  badRequest: { status: 400, errcode: 'M_UNKNOWN' },
  notJson: { status: 400, errcode: 'M_NOT_JSON' },
  badJson: { status: 400, errcode: 'M_BAD_JSON' },
  missingParam: { status: 400, errcode: 'M_MISSING_PARAM' },
  invalidParam: { status: 400, errcode: 'M_INVALID_PARAM' },
  unrecognized: { status: 404, errcode: 'M_UNRECOGNIZED' },
  methodNotAllowed: { status: 405, errcode: 'M_UNRECOGNIZED' },
  bodyTooSlow: { status: 408, errcode: 'M_UNKNOWN' },
  tooLarge: { status: 413, errcode: 'M_TOO_LARGE' },
  urlTooLong: { status: 414, errcode: 'M_TOO_LARGE' },
  headersTooLarge: { status: 431, errcode: 'M_TOO_LARGE' },

  // who asks, and whether they may
  missingToken: { status: 401, errcode: 'M_MISSING_TOKEN' },
  unknownToken: { status: 401, errcode: 'M_UNKNOWN_TOKEN' },
  forbidden: { status: 403, errcode: 'M_FORBIDDEN' },
  userDeactivated: { status: 403, errcode: 'M_USER_DEACTIVATED' },
  limitExceeded: { status: 429, errcode: 'M_LIMIT_EXCEEDED' },

  // what it asks about
  notFound: { status: 404, errcode: 'M_NOT_FOUND' },
  conflict: { status: 409, errcode: 'M_UNKNOWN' },
  exclusive: { status: 400, errcode: 'M_EXCLUSIVE' },
  userInUse: { status: 400, errcode: 'M_USER_IN_USE' },
  invalidUsername: { status: 400, errcode: 'M_INVALID_USERNAME' },
  weakPassword: { status: 400, errcode: 'M_WEAK_PASSWORD' },
  invalidRoomState: { status: 400, errcode: 'M_INVALID_ROOM_STATE' },
  unsupportedRoomVersion: { status: 400, errcode: 'M_UNSUPPORTED_ROOM_VERSION' },

  // futures; never M_UNKNOWN_TOKEN, which clients take for a log-out
  futureTokenGone: { status: 410, errcode: 'M_NOT_FOUND' },
  unknownFutureGroup: { status: 409, errcode: 'M_UNKNOWN_FUTURE_GROUP' },
  futureMaxTimeoutExceeded: { status: 400, errcode: 'M_FUTURE_MAX_TIMEOUT_EXCEEDED' },

  // delayed events
  delayTooLarge: { status: 400, errcode: 'M_DELAY_TOO_LARGE' },

  // not the request's fault
  unknown: { status: 500, errcode: 'M_UNKNOWN' },
  badGateway: { status: 502, errcode: 'M_UNKNOWN' },
  storeUnavailable: { status: 503, errcode: 'M_UNKNOWN' },
  authenticationUnavailable: { status: 503, errcode: 'M_UNKNOWN' },
  gatewayTimeout: { status: 504, errcode: 'M_UNKNOWN' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorName = keyof typeof errors;

/** A row of the table, or one that somebody else wrote. */
export interface ErrorKind {
  readonly status: number;
  readonly errcode: string;
}

/** An error that was worded elsewhere: by the engine, by a homeserver behind us. */
export interface Refusal extends ErrorKind {
  /** for people */
  readonly error: string;
  readonly fields?: { readonly [name: string]: JsonValue };
}

/**
 * Thrown by endpoints, answered as `{errcode, error, ...fields}`.
 * @example throw new MatrixError('limitExceeded', 'Slow down', { retry_after_ms: 900 }, { 'Retry-After': '1' });
 */
export class MatrixError extends Error {
  override readonly name = 'MatrixError';
  readonly status: number;
  readonly errcode: string;
  readonly fields: { readonly [name: string]: JsonValue };
  readonly headers: { readonly [name: string]: string };

  /** @param message for people: no tokens, no passwords */
  constructor(
    kind: ErrorName | ErrorKind,
    message: string,
    fields: { readonly [name: string]: JsonValue } = {},
    headers: { readonly [name: string]: string } = {},
  ) {
    super(message);
    const { status, errcode } = typeof kind === 'string' ? errors[kind] : kind;
    this.status = status;
    this.errcode = errcode;
    this.fields = fields;
    this.headers = headers;
  }

  /** A `retry_after_ms` among the fields is said in the `Retry-After` header too, in whole seconds. */
  static from(refusal: Refusal): MatrixError {
    const wait = refusal.fields?.['retry_after_ms'];
    const headers = typeof wait === 'number' ? { 'Retry-After': String(Math.ceil(wait / 1_000)) } : {};
    return new MatrixError(refusal, refusal.error, refusal.fields, headers);
  }

  get body(): { readonly [name: string]: JsonValue } {
    return { errcode: this.errcode, error: this.message, ...this.fields };
  }
}
