import type { Futures, Holder, UseAnswer } from '@matrix-futures/engine';

/** What can be done to a delayed event, in the words of its later generations (MSC4140). */
export const actions = ['send', 'restart', 'cancel'] as const;
export type Action = (typeof actions)[number];

export function manage(futures: Futures, holder: Holder, action: Action): Promise<UseAnswer> {
  switch (action) {
    case 'send':
      return futures.send(holder);
    case 'restart':
      return futures.refresh(holder);
    case 'cancel':
      return futures.cancel(holder, holder.owner === null ? 'token' : 'owner');
  }
}
