import { accessTokenOf, decodeQuery } from '@matrix-futures/http';
import type { IncomingMessage } from 'node:http';
import { clientSegments, originForm } from './path.ts';

/** Told after the homeserver agreed that logins ended or changed: those of that access token's owner; null: nobody's. */
export type OnLoginsChange = (accessToken: string | null) => void;

const paths = /^(?:logout(?:\/all)?|delete_devices|account\/(?:password|deactivate)|refresh)$/;

/** Is it a request that ends logins or changes their tokens, if the homeserver agrees? */
export function changesLogins(method: string | undefined, target: string): boolean {
  const path = clientSegments(target)?.join('/') ?? '';
  return method === 'POST' ? paths.test(path) : method === 'DELETE' && /^devices\/[^/]+$/.test(path);
}

/** The access token that a request came with; never logged. */
export function tokenOf({ headers, url = '/' }: IncomingMessage): string | null {
  const target = originForm(url);
  const mark = target.indexOf('?');
  return accessTokenOf(headers, decodeQuery(mark === -1 ? '' : target.slice(mark + 1)));
}
