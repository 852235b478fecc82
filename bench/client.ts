/** The few calls that the benchmarks need of a client. */

export interface Account {
  readonly url: string;
  readonly user: string;
  readonly token: string;
}

type Json = { readonly [key: string]: unknown };

export async function call(
  account: { readonly url: string; readonly token?: string },
  method: string,
  path: string,
  body?: Json,
): Promise<Json> {
  const response = await fetch(account.url + path, {
    method,
    headers: {
      ...(account.token === undefined ? {} : { Authorization: `Bearer ${account.token}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (!response.ok || typeof answer !== 'object' || answer === null)
    throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return { ...answer };
}

export function text(answer: Json, name: string): string {
  const value = answer[name];
  if (typeof value !== 'string') throw new Error(`no ${name} in ${JSON.stringify(answer)}`);
  return value;
}

export async function register(url: string, name: string): Promise<Account> {
  const answer = await call({ url }, 'POST', '/_matrix/client/v3/register', {
    username: name,
    password: `${name} has a password`,
    auth: { type: 'm.login.dummy' },
  });
  return { url, user: text(answer, 'user_id'), token: text(answer, 'access_token') };
}

/** A room that both are in. */
export async function createRoom(owner: Account, guest: Account | null): Promise<string> {
  const room = text(
    await call(owner, 'POST', '/_matrix/client/v3/createRoom', {
      preset: 'private_chat',
      invite: guest === null ? [] : [guest.user],
    }),
    'room_id',
  );
  if (guest !== null) await call(guest, 'POST', `/_matrix/client/v3/join/${encodeURIComponent(room)}`, {});
  return encodeURIComponent(room);
}

/** Schedules message futures, some at a time. Answers their refresh tokens. */
export async function scheduleMany(
  owner: Account,
  room: string,
  count: number,
  timeout: number,
): Promise<string[]> {
  const tokens: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const txn = `many-${next++}`;
      const path = `/_matrix/client/v3/rooms/${room}/send_future/m.room.message/${txn}?future_timeout=${timeout}`;
      const answer = await call(owner, 'PUT', path, { msgtype: 'm.text', body: 'later' });
      tokens.push(text(answer, 'refresh_token'));
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  return tokens;
}
