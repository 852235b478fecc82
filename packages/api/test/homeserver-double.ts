import type {
  Accepted,
  Clock,
  Delayed,
  Draft,
  JsonObject,
  LocalHomeserver,
  Refusal,
  Refused,
  StateKey,
} from '@matrix-futures/engine';
import {
  type Authenticate,
  AuthenticationUnavailable,
  client,
  endpoint,
  type Endpoint,
  MatrixError,
} from '@matrix-futures/http';
import Type from 'typebox';
import type { PlainSend } from '@matrix-futures/api';

export interface SentEvent {
  readonly id: string;
  readonly draft: Draft;
  readonly timestamp: number;
  /** null: nothing that its sender is to find in its `unsigned` */
  readonly delayed: Delayed | null;
}

const content = Type.Unsafe<JsonObject>(Type.Object({}));

/** A homeserver as small as the API needs one: logins, who is in which room, what was sent, plain send and state. */
export class HomeserverDouble implements LocalHomeserver {
  readonly kind = 'local';
  readonly sent: SentEvent[] = [];
  /** rooms that anybody may send to */
  readonly rooms = new Set(['!room:test', '!other:test']);
  /** what the room says of the next events */
  refusal: Refusal | null = null;
  /** users whose events of batches were counted, in order, and how many of them may be */
  readonly counted: string[] = [];
  allowedEvents = Infinity;
  onState: (key: StateKey, event: string, sender: string) => void = () => {};
  readonly #clock: Clock;
  readonly #transactions = new Map<string, string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Logins: `alice` and `alice2` are two devices of one user, `bridge` is an application service, `puppeteer` one that acts
   * as a device of its user. Of `somebody` it cannot
   * be told now who they are.
   */
  readonly authenticate: Authenticate = (accessToken) => {
    if (accessToken === 'somebody') throw new AuthenticationUnavailable();
    const login = /^(alice|bob|guest)(\d?)$/.exec(accessToken);
    const isGuest = login?.[1] === 'guest';
    if (login) return { user: `@${login[1]}:test`, device: `D${login[2]}`, isGuest, accessToken };
    if (accessToken === 'puppeteer')
      return { user: '@bridge:test', device: 'DB', isGuest, isService: true, accessToken };
    return /^bridge\d?$/.test(accessToken)
      ? { user: '@bridge:test', device: null, isGuest, accessToken }
      : null;
  };

  judgeForm({ room, type, stateKey, content: body }: Draft): Refusal | null {
    if (!/^!./.test(room) || Buffer.byteLength(room) > 255)
      return { status: 400, errcode: 'M_INVALID_PARAM', error: 'Not a room id' };
    for (const text of [type, stateKey ?? ''])
      if (Buffer.byteLength(text) > 255) return { status: 413, errcode: 'M_TOO_LARGE', error: 'Too long' };
    if (type === 'm.room.message' && typeof body.msgtype !== 'string')
      return { status: 400, errcode: 'M_BAD_JSON', error: 'No msgtype' };
    if (Buffer.byteLength(JSON.stringify(body)) > 1_000)
      return { status: 413, errcode: 'M_TOO_LARGE', error: 'The event is too large' };
    return null;
  }

  append(draft: Draft, timestamp: number, delayed: Delayed | null = null): Accepted | Refused {
    if (this.refusal !== null) return { kind: 'refused', error: this.refusal };
    if (!this.rooms.has(draft.room))
      return { kind: 'refused', error: { status: 403, errcode: 'M_FORBIDDEN', error: 'Not in the room' } };
    const id = `$${String(this.sent.length + 1).padStart(43, '0')}`;
    this.sent.push({ id, draft, timestamp: draft.extras.ts ?? timestamp, delayed });
    if (draft.stateKey !== null)
      this.onState({ room: draft.room, type: draft.type, key: draft.stateKey }, id, draft.sender);
    return { kind: 'accepted', event: id };
  }

  #say(draft: Omit<Draft, 'extras'>): string {
    const whole = { ...draft, extras: {} };
    const wrong = this.judgeForm(whole);
    if (wrong) throw MatrixError.from(wrong);
    const answer = this.append(whole, this.#clock.wall());
    if (answer.kind === 'refused') throw MatrixError.from(answer.error);
    return answer.event;
  }

  readonly plainSend: PlainSend = {
    endpoint: endpoint({
      method: 'PUT',
      paths: client('/rooms/:roomId/send/:eventType/:txnId'),
      authentication: 'required',
      body: content,
      handle: ({ requester, params: { roomId: room, eventType: type, txnId }, body }) => {
        const transaction = JSON.stringify([requester.user, requester.device, room, type, txnId]);
        const event =
          this.#transactions.get(transaction) ??
          this.#say({ room, type, stateKey: null, sender: requester.user, content: body() });
        this.#transactions.set(transaction, event);
        return { body: { event_id: event } };
      },
    }),
    hasAnswered: ({ user, device }, { room, type, transactionId }) =>
      this.#transactions.has(JSON.stringify([user, device, room, type, transactionId])),
    countEvent: ({ user }) => {
      if (this.counted.length >= this.allowedEvents)
        throw new MatrixError('limitExceeded', 'Too many events');
      this.counted.push(user);
    },
  };

  readonly plainState: Endpoint = endpoint({
    method: 'PUT',
    paths: client(
      '/rooms/:roomId/state/:eventType/:stateKey',
      '/rooms/:roomId/state/:eventType/',
      '/rooms/:roomId/state/:eventType',
    ),
    authentication: 'required',
    body: content,
    handle: ({ requester, params: { roomId: room, eventType: type, stateKey = '' }, body }) => ({
      body: { event_id: this.#say({ room, type, stateKey, sender: requester.user, content: body() }) },
    }),
  });
}
