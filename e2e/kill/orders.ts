import type { Operation } from './operation.ts';

/** What the load is to do, by whom and where. */
export interface Setting {
  readonly seed: number;
  readonly lives: number;
  /** access tokens */
  readonly users: readonly string[];
  /** percent-encoded */
  readonly rooms: readonly string[];
}

/** From the test to the load. */
export type Order =
  | { readonly kind: 'begin'; readonly url: string; readonly setting: Setting }
  /** the server was started again, and listens there */
  | { readonly kind: 'server'; readonly url: string }
  /** bring to an end what has been begun */
  | { readonly kind: 'finish' }
  /** use every token once more */
  | { readonly kind: 'audit' };

/** From the load to the test. */
export type Report =
  | { readonly kind: 'did'; readonly operation: Operation }
  /** what the last order asked for is done */
  | { readonly kind: 'done' };
