import type { Login } from './under-test.ts';

/** An answer of the client-server API; the shape of its body is the caller's to know. */
export interface Answer {
  readonly status: number;
  readonly body: any;
}

/** Anybody may set it in a room of these tests. */
export const callMember = 'org.example.call.member';

/** A user who asks the homeserver with a token of their own. */
export class Person {
  readonly id: string;
  readonly #url: string;
  readonly #token: string;
  #sent = 0;

  constructor(url: string, { user, token }: Login) {
    this.id = user;
    this.#url = url;
    this.#token = token;
  }

  /** @param path after `/_matrix/client/v3` */
  async ask(method: string, path: string, body?: object): Promise<Answer> {
    const response = await fetch(`${this.#url}/_matrix/client/v3${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#token}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  /** The body of a 200. */
  async #got(method: string, path: string, body?: object): Promise<any> {
    const answer = await this.ask(method, path, body);
    if (answer.status === 200) return answer.body;
    throw new Error(`${this.id}: ${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }

  /** Takes a name, which from then on is a part of their memberships. */
  async name(displayname: string): Promise<void> {
    await this.#got('PUT', `/profile/${encodeURIComponent(this.id)}/displayname`, { displayname });
  }

  /** A new room that everybody may join, where everybody may set `callMember`. */
  async room(request: object = {}): Promise<string> {
    const { room_id: room } = await this.#got('POST', '/createRoom', {
      preset: 'public_chat',
      power_level_content_override: { events: { [callMember]: 0 } },
      ...request,
    });
    return room;
  }

  async join(room: string): Promise<void> {
    await this.#got('POST', `${at(room)}/join`, {});
  }

  async leave(room: string): Promise<void> {
    await this.#got('POST', `${at(room)}/leave`, {});
  }

  async forget(room: string): Promise<void> {
    await this.#got('POST', `${at(room)}/forget`, {});
  }

  async knock(room: string): Promise<void> {
    await this.#got('POST', `/knock/${encodeURIComponent(room)}`, {});
  }

  /** Invites, kicks, bans or unbans. */
  async moderate(what: 'invite' | 'kick' | 'ban' | 'unban', room: string, whom: Person): Promise<void> {
    await this.#got('POST', `${at(room)}/${what}`, { user_id: whom.id });
  }

  async say(room: string, body: string): Promise<string> {
    this.#sent += 1;
    const path = `${at(room)}/send/m.room.message/said-${this.#sent}-${Date.now()}`;
    return (await this.#got('PUT', path, { msgtype: 'm.text', body })).event_id;
  }

  async setState(room: string, type: string, key: string, content: object): Promise<string> {
    return (await this.#got('PUT', statePath(room, type, key), content)).event_id;
  }

  async redact(room: string, event: string): Promise<string> {
    this.#sent += 1;
    const path = `${at(room)}/redact/${encodeURIComponent(event)}/said-${this.#sent}-${Date.now()}`;
    return (await this.#got('PUT', path, {})).event_id;
  }

  /** Every event of the room that is shown to them, the first ones first. */
  async events(room: string): Promise<any[]> {
    const events: any[] = [];
    for (let from: string | undefined = ''; from !== undefined;) {
      const page: { chunk: any[]; end?: string } = await this.#got(
        'GET',
        `${at(room)}/messages?dir=b&limit=100${from === '' ? '' : `&from=${encodeURIComponent(from)}`}`,
      );
      events.unshift(...page.chunk.toReversed());
      from = page.chunk.length === 0 ? undefined : page.end;
    }
    return events;
  }

  async event(room: string, event: string): Promise<any> {
    return this.#got('GET', `${at(room)}/event/${encodeURIComponent(event)}`);
  }

  /** The content of the current state. */
  async state(room: string, type: string, key: string): Promise<any> {
    return this.#got('GET', statePath(room, type, key));
  }
}

const at = (room: string): string => `/rooms/${encodeURIComponent(room)}`;

const statePath = (room: string, type: string, key: string): string =>
  `${at(room)}/state/${encodeURIComponent(type)}/${encodeURIComponent(key)}`;
