import type { Login } from '@matrix-futures/engine/conformance';
import { ClientApi } from '../client-api.ts';

/** Registers by the client-server API, where anybody may. */
export async function registerOpenly(url: string, name: string, password: string | null): Promise<Login> {
  const { token } = await new ClientApi(url).register(name, password ?? undefined);
  const { body } = await new ClientApi(url, token).request('GET', '/v3/account/whoami');
  return { user: body.user_id, token: token ?? '' };
}
