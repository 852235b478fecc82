import { createHmac } from 'node:crypto';
import type { Answer } from '../client-api.ts';
import type { Synapse } from './synapse.ts';

/** An administrator of a Synapse. */
export class SynapseAdmin {
  readonly #url: string;
  readonly token: string;

  private constructor(url: string, token: string) {
    this.#url = url;
    this.token = token;
  }

  /** Registers one, by the secret of the server's configuration (Synapse's `register_new_matrix_user` does the same). */
  static async register({ url, registrationSecret }: Synapse, username: string): Promise<SynapseAdmin> {
    const path = `${url}/_synapse/admin/v1/register`;
    const { nonce } = (await ask('GET', path)).body;
    const password = 'correct horse battery';
    const mac = createHmac('sha1', registrationSecret)
      .update(`${nonce}\0${username}\0${password}\0admin`)
      .digest('hex');
    const answer = await ask('POST', path, { nonce, username, password, admin: true, mac });
    if (answer.status !== 200) throw new Error(`no administrator: ${JSON.stringify(answer)}`);
    return new SynapseAdmin(url, answer.body.access_token);
  }

  /**
   * @param path after `/_synapse/admin`
   * @throws where Synapse does not say 200
   */
  async request(method: string, path: string, body: unknown = {}): Promise<void> {
    const answer = await ask(method, `${this.#url}/_synapse/admin${path}`, body, this.token);
    if (answer.status !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
  }
}

async function ask(method: string, url: string, body?: unknown, token?: string): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}
