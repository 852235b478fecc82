import { accessTokenOf, decodeQuery, type Query } from '@matrix-futures/http';
import type { IncomingMessage } from 'node:http';
import { clientSegments, originForm } from './path.ts';

/** Logins that ended, or have new tokens. */
export interface LoginsChange {
  /** the login of that access token alone, or any of its owner's */
  readonly of: 'login' | 'user';
  /** what the request came with; null: nothing, as a refresh may, and a password that was forgotten. Never logged. */
  readonly accessToken: string | null;
  /** of the request: application services name in it who they act for */
  readonly query: Query;
}

/** Told after the homeserver agreed. */
export type OnLoginsChange = (change: LoginsChange) => void;

const ofLogin = /^(?:logout|refresh)$/;
const ofUser = /^(?:logout\/all|delete_devices|account\/(?:password|deactivate))$/;

/** What a request changes of logins, if the homeserver agrees; null: nothing. */
export function loginsChangedBy(request: IncomingMessage): LoginsChange | null {
  const of = extentOf(request.method, clientSegments(request.url ?? '/')?.join('/') ?? '');
  return of && { of, accessToken: tokenOf(request), query: queryOf(request) };
}

function extentOf(method: string | undefined, path: string): LoginsChange['of'] | null {
  if (method === 'DELETE') return /^devices\/[^/]+$/.test(path) ? 'user' : null;
  if (method !== 'POST') return null;
  if (ofLogin.test(path)) return 'login';
  return ofUser.test(path) ? 'user' : null;
}

/** The access token that a request came with; never logged. */
export function tokenOf(request: IncomingMessage): string | null {
  return accessTokenOf(request.headers, queryOf(request));
}

function queryOf({ url = '/' }: IncomingMessage): Query {
  const target = originForm(url);
  const mark = target.indexOf('?');
  return decodeQuery(mark === -1 ? '' : target.slice(mark + 1));
}
