import type { UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import type { Database, Migration } from '@matrix-futures/sqlite';
import { Compile } from 'typebox/compile';
import { BoundedMap } from '../cache/bounded-map.ts';
import type { Notifier } from '../stream/notifier.ts';
import type { Positions } from '../stream/positions.ts';
import { Changes, noChanges, ownRules, rulesetOf } from './changes.ts';
import { compileRules, type Evaluate } from './evaluate.ts';
import type { Ruleset } from './rule.ts';

/** Append only. */
export const pushRuleMigrations: readonly Migration[] = [
  {
    version: 1,
    sql: `
      CREATE TABLE push_rules (
        user_id TEXT PRIMARY KEY,
        changes TEXT NOT NULL, -- JSON: the user's own rules, and what they changed about the predefined ones
        stream_position INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

/** A user's rules as they are now. */
export interface UserRules {
  readonly changes: Changes;
  readonly ruleset: Ruleset;
  readonly evaluate: Evaluate;
  /** of the last change; 0: never changed */
  readonly position: number;
}

/** The push rules of all users. Synchronous. */
export interface PushRuleStore {
  of(user: UserId): UserRules;
  /**
   * Inside a unit. Wakes the user's long polls: the rules are account data, `m.push_rules`.
   * @throws MatrixError `limitExceeded` for more rules than anybody needs
   */
  change(user: UserId, changes: Changes): void;
}

const maxOwnRules = 500;

export function openPushRuleStore(
  database: Database,
  positions: Positions,
  notifier: Notifier,
): PushRuleStore {
  const find = database.prepare<[UserId], { changes: string; position: number }>(
    'SELECT changes, stream_position AS position FROM push_rules WHERE user_id = ?',
  );
  const put = database.prepare<[UserId, string, number], never>(
    `INSERT INTO push_rules (user_id, changes, stream_position) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET changes = excluded.changes, stream_position = excluded.stream_position`,
  );
  const stored = Compile(Changes);
  const known = new BoundedMap<UserId, UserRules>(1_000);
  database.turn.onLost(() => known.clear());

  const read = (user: UserId): UserRules => {
    const row = find.get(user);
    const changes = row === undefined ? noChanges : stored.Parse(JSON.parse(row.changes));
    const ruleset = rulesetOf(user, changes);
    return { changes, ruleset, evaluate: compileRules(ruleset), position: row?.position ?? 0 };
  };

  return {
    of(user) {
      const rules = known.get(user) ?? read(user);
      known.set(user, rules);
      return rules;
    },
    change(user, changes) {
      if (ownRules(changes) > maxOwnRules) throw new MatrixError('limitExceeded', 'Too many push rules');
      database.turn.onUndo(() => known.delete(user));
      put.run(user, JSON.stringify(changes), positions.next());
      known.delete(user);
      notifier.wake([user]);
    },
  };
}
