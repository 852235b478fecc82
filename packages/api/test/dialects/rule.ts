import { test } from 'vitest';
import { serve, type Served, type ServeOptions } from '../served.ts';

/** One rule of a text, and requests that show it. */
export interface Rule {
  readonly rule: string;
  /** where it is written */
  readonly source: string;
  readonly options?: ServeOptions;
  readonly shows: (served: Served) => Promise<void>;
}

/** Each rule on a server of its own. */
export function proves(rules: readonly Rule[]): void {
  test.each(rules)('$rule ($source)', async ({ options, shows }) => shows(await serve(options)));
}

export const room = '/rooms/!room:test';
export const forbidden = { status: 403, errcode: 'M_FORBIDDEN', error: 'No power' };

/** What an error answers. */
export function error(status: number, errcode: string, fields: object = {}): object {
  return { status, body: { errcode, ...fields } };
}
