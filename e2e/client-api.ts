/** An answer of the client-server API; the shape of its body is the caller's to know. */
export interface Answer {
  readonly status: number;
  readonly body: any;
}

/** One user of one server, as far as tests of whole processes need one. */
export class ClientApi {
  readonly #url: string;
  readonly token: string | null;

  constructor(url: string, token: string | null = null) {
    this.#url = url;
    this.token = token;
  }

  /** @param path after `/_matrix/client` */
  async request(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${this.#url}/_matrix/client${path}`, {
      method,
      headers: this.token === null ? {} : { authorization: `Bearer ${this.token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  }

  /** A user of that name, registered now. */
  async register(username: string, password = 'correct horse battery'): Promise<ClientApi> {
    const auth = { type: 'm.login.dummy' };
    const { status, body } = await this.request('POST', '/v3/register', { username, password, auth });
    if (status !== 200) throw new Error(`${username} could not register: ${status} ${JSON.stringify(body)}`);
    return new ClientApi(this.#url, body.access_token);
  }
}
