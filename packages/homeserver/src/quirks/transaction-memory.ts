import type { EventId } from '@matrix-futures/engine';
import type { Requester } from '@matrix-futures/http';
import type { Database } from '@matrix-futures/sqlite';
import type { TransactionPath } from '../rooms/sending.ts';
import type { Quirks } from './quirks.ts';

/** What a server with quirks remembers of transactions. For inside a unit. */
export interface TransactionMemory {
  recall(requester: Requester, path: TransactionPath): EventId | undefined;
  remember(requester: Requester, path: TransactionPath, event: EventId): void;
  /** Requests that it takes for the same one have the same name. */
  nameOf(requester: Requester, path: TransactionPath): string;
}

/** In memory until a restart, and in a table of its own as far as the server does not forget. */
export function openTransactionMemory(database: Database, quirks: Quirks): TransactionMemory {
  const find = database.prepare<[string], { eventId: EventId }>(
    'SELECT event_id AS eventId FROM quirk_transaction WHERE name = ?',
  );
  const insert = database.prepare<[string, EventId], never>(
    'INSERT OR REPLACE INTO quirk_transaction (name, event_id) VALUES (?, ?)',
  );
  const fresh = new Map<string, EventId>();

  const isDurable = ({ device }: Requester): boolean =>
    quirks.forgetsTransactions === 'never' ||
    (quirks.forgetsTransactions === 'without-device' && device !== null);

  /** Until a restart: all users of a service may count as one. */
  const nameOf: TransactionMemory['nameOf'] = (requester, path) =>
    name(quirks, quirks.transactionsCollide ? requester.accessToken : ownerOf(requester), path);

  const durableName: TransactionMemory['nameOf'] = (requester, path) =>
    name(quirks, ownerOf(requester), path);

  return {
    nameOf,
    recall(requester, path) {
      if (quirks.redactsWithoutMemory && path.target !== null) return undefined;
      const known = fresh.get(nameOf(requester, path));
      if (known !== undefined || !isDurable(requester)) return known;
      return find.get(durableName(requester, path))?.eventId;
    },
    remember(requester, path, event) {
      fresh.set(nameOf(requester, path), event);
      if (isDurable(requester)) insert.run(durableName(requester, path), event);
    },
  };
}

const ownerOf = ({ user, device }: Requester): string => JSON.stringify([user, device]);

function name(quirks: Quirks, owner: string, { room, type, target, txnId }: TransactionPath): string {
  const scope = { path: [room, type, target], room: [room], user: [] }[quirks.transactionScope];
  return JSON.stringify([owner, ...scope, txnId]);
}
