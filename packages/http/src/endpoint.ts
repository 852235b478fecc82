import type { Static, TNever, TObject, TSchema } from 'typebox';
import { type ErrorName, MatrixError } from './errors.ts';
import { namesIn, type Params } from './paths.ts';
import type { Query } from './query.ts';
import type { Requester } from './requester.ts';
import { bodyReader, queryReader } from './schema.ts';

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/**
 * `required`: without a valid access token 401. `optional`: none is fine, a stale one is 401. `none`: a token is not
 * even looked at.
 */
export type Authentication = 'required' | 'optional' | 'none';

/** What a handler answers: 200 and `{}` unless it says otherwise. */
export interface Answer {
  readonly status?: number;
  /** Sent as JSON; bytes are sent as they are, with the `Content-Type` of `headers` (JSON unless told). */
  readonly body?: object;
  readonly headers?: { readonly [name: string]: string };
}

/** A request, as a handler sees it. */
export interface Call<Path extends string, A extends Authentication, Q extends TObject, B extends TSchema> {
  readonly requester: RequesterOf<A>;
  /** A login came along. Where it is optional and nobody is the requester, whose it is cannot be found out now. */
  readonly hasLogin: boolean;
  /** percent-decoded; never empty */
  readonly params: Params<Path>;
  /** the parameters that the endpoint's schema names */
  readonly query: Static<Q>;
  /**
   * The body, judged now and not before: who answers a repeated transaction never looks at it.
   * @throws MatrixError M_NOT_JSON, M_MISSING_PARAM, and M_BAD_JSON or what the endpoint says instead
   */
  body(): Static<B>;
  /** The URL after its `?`, not decoded. May hold an access token: never logged. */
  readonly rawQuery: string;
  /** Path and query, not decoded. May hold an access token: never logged. */
  readonly url: string;
  /** Aborted when the client goes away before it has its answer. */
  readonly signal: AbortSignal;
  /** the IP address of the client, or of the proxy before us */
  readonly address: string;
}

export type RequesterOf<A extends Authentication> = {
  required: Requester;
  optional: Requester | null;
  none: null;
}[A];

export interface Definition<
  Path extends string,
  A extends Authentication,
  Q extends TObject,
  B extends TSchema,
> {
  readonly method: Method | readonly Method[];
  /** see `client`, `clientV1`, `unstable` */
  readonly paths: readonly Path[];
  readonly authentication: A;
  /** one line for the API's description */
  readonly summary?: string;
  /** Answers only requests with one of these query parameters; another endpoint of the same path answers the rest. */
  readonly when?: { readonly parameters: readonly string[] };
  /** values are strings, or arrays of strings */
  readonly query?: Q;
  readonly body?: B;
  /** No body at all is then read as `{}`. */
  readonly bodyOptional?: boolean;
  /** What it answers with 200, for the API's description; nothing is judged by it. */
  readonly answers?: TSchema;
  /** What a member of the wrong type is; `badJson` unless told. */
  readonly wrongBody?: ErrorName;
  readonly handle: (call: Call<Path, A, Q, B>) => Answer | Promise<Answer>;
}

/** What the server has found out about a request before the endpoint judges it. */
export interface Incoming {
  readonly requester: Requester | null;
  readonly params: { readonly [name: string]: string | undefined };
  readonly query: Query;
  readonly rawQuery: string;
  readonly url: string;
  readonly address: string;
  /** as the client sent it, judged by nobody yet; never logged */
  readonly accessToken: string | null;
  /** @param limit bytes; the server's own unless told */
  readonly readBody: (limit?: number) => Promise<Uint8Array>;
  /** makes the signal that the client is gone */
  readonly watchClient: () => AbortSignal;
}

/** One operation of the API, complete: what it takes is data to be read, what it does is `answer`. */
export interface Endpoint {
  readonly methods: readonly Method[];
  readonly paths: readonly string[];
  readonly authentication: Authentication;
  readonly summary: string;
  readonly when: { readonly parameters: readonly string[] } | null;
  readonly query: TObject | null;
  readonly body: TSchema | null;
  readonly bodyOptional: boolean;
  readonly answers: TSchema | null;
  /** Judges path and query, reads the body, runs the handler. Rejects with what the handler throws. */
  readonly answer: (incoming: Incoming) => Promise<Answer>;
}

const nothing = Buffer.alloc(0);

/** Makes an endpoint of its description; one that needs anything else is made by a function that is given it. */
export function endpoint<
  const Path extends string,
  const A extends Authentication,
  Q extends TObject = TObject<{}>,
  B extends TSchema = TNever,
>(definition: Definition<Path, A, Q, B>): Endpoint {
  const { method, paths, authentication, handle, bodyOptional = false, wrongBody = 'badJson' } = definition;
  const hasParams = paramsOf(paths);
  const isAllowed = requesterFor(authentication);
  const readQuery = queryReader(definition.query);
  const readBody = bodyReader(definition.body, bodyOptional, wrongBody);

  async function answer(incoming: Incoming): Promise<Answer> {
    const { requester, params } = incoming;
    if (!isAllowed(requester)) throw new MatrixError('missingToken', 'Missing access token');
    if (!hasParams(params)) throw new MatrixError('unrecognized', 'Unknown path');
    const query = readQuery(incoming.query);
    const bytes = definition.body === undefined ? nothing : await incoming.readBody();
    return handle(new JudgedCall(incoming, requester, params, query, () => readBody(bytes)));
  }

  return {
    methods: typeof method === 'string' ? [method] : method,
    paths,
    authentication,
    summary: definition.summary ?? '',
    when: definition.when ?? null,
    query: definition.query ?? null,
    body: definition.body ?? null,
    bodyOptional,
    answers: definition.answers ?? null,
    answer,
  };
}

/** A class, since its signal is made on demand: an object literal with a getter costs V8 a hidden class each time. */
class JudgedCall<
  Path extends string,
  A extends Authentication,
  Q extends TObject,
  B extends TSchema,
> implements Call<Path, A, Q, B> {
  readonly requester: RequesterOf<A>;
  readonly hasLogin: boolean;
  readonly params: Params<Path>;
  readonly query: Static<Q>;
  readonly body: () => Static<B>;
  readonly rawQuery: string;
  readonly url: string;
  readonly address: string;
  readonly #watchClient: () => AbortSignal;
  #signal: AbortSignal | undefined;

  constructor(
    { rawQuery, url, address, accessToken, watchClient }: Incoming,
    requester: RequesterOf<A>,
    params: Params<Path>,
    query: Static<Q>,
    body: () => Static<B>,
  ) {
    this.requester = requester;
    this.hasLogin = accessToken !== null;
    this.params = params;
    this.query = query;
    this.body = body;
    this.rawQuery = rawQuery;
    this.url = url;
    this.address = address;
    this.#watchClient = watchClient;
  }

  get signal(): AbortSignal {
    return (this.#signal ??= this.#watchClient());
  }
}

function requesterFor<A extends Authentication>(
  authentication: A,
): (requester: Requester | null) => requester is RequesterOf<A> {
  return (requester): requester is RequesterOf<A> =>
    authentication === 'optional' || (authentication === 'required') === (requester !== null);
}

function paramsOf<Path extends string>(
  paths: readonly Path[],
): (params: Incoming['params']) => params is Params<Path> {
  const [first = [], ...others] = paths.map(namesIn);
  const required = first.filter((name) => others.every((names) => names.includes(name)));
  return (params): params is Params<Path> => required.every((name) => params[name] !== undefined);
}
