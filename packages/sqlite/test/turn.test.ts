import { describe, expect, test } from 'vitest';
import { TurnLost } from '../src/index.ts';
import { nameDatabase, settled } from './memory-database.ts';

/** Follows promises without waiting: what each one did, in the order in which they did it. */
function log(): { said: string[]; follow(name: string, promise: Promise<unknown>): void } {
  const said: string[] = [];
  return {
    said,
    follow: (name, promise) =>
      void promise.then(
        (value) => said.push(`${name} ${String(value)}`),
        (error: unknown) => said.push(`${name} ${error instanceof Error ? error.message : String(error)}`),
      ),
  };
}

describe('units of one turn', () => {
  test('work runs before unit returns, its promise settles only after the commit', async () => {
    const { database, timers, insert, names } = nameDatabase();
    const { said, follow } = log();
    follow(
      'a',
      database.turn.unit(() => {
        insert('a');
        return 1;
      }),
    );
    expect(names()).toEqual(['a']);
    await settled();
    expect(said).toEqual([]);
    expect(database.connection.isTransaction).toBe(true);
    timers.turn();
    expect(database.connection.isTransaction).toBe(false);
    await settled();
    expect(said).toEqual(['a 1']);
  });

  test('what one unit throws undoes its own writes and nobody else’s', async () => {
    const { database, timers, insert, names } = nameDatabase();
    const { said, follow } = log();
    follow(
      'a',
      database.turn.unit(() => insert('a')),
    );
    follow(
      'b',
      database.turn.unit(() => {
        insert('b');
        throw new Error('no');
      }),
    );
    follow(
      'c',
      database.turn.unit(() => insert('c')),
    );
    timers.turn();
    await settled();
    expect(said).toEqual(['a undefined', 'b no', 'c undefined']);
    expect(names()).toEqual(['a', 'c']);
  });

  test('an error, too, is told after the commit only', async () => {
    const { database, timers, insert } = nameDatabase();
    const { said, follow } = log();
    follow(
      'a',
      database.turn.unit(() => insert('a')),
    );
    follow(
      'again',
      database.turn.unit(() => insert('a')),
    );
    await settled();
    expect(said).toEqual([]);
    timers.turn();
    await settled();
    expect(said).toEqual(['a undefined', 'again UNIQUE constraint failed: names.name']);
  });

  test('effects run after the commit, in order, before any answer; those of an undone unit are dropped', async () => {
    const { database, timers } = nameDatabase();
    const { turn } = database;
    const { said, follow } = log();
    const effect = (name: string) =>
      turn.onCommit(() => said.push(`${name} ${database.connection.isTransaction ? 'open' : 'committed'}`));
    follow(
      'first',
      turn.unit(() => effect('one')),
    );
    follow(
      'second',
      turn.unit(() => {
        effect('dropped');
        throw new Error('no');
      }),
    );
    follow(
      'third',
      turn.unit(() => {
        effect('two');
        follow(
          'inner',
          turn.unit(() => effect('three')),
        );
      }),
    );
    timers.turn();
    await settled();
    expect(said).toEqual([
      'one committed',
      'two committed',
      'three committed',
      'first undefined',
      'second no',
      'inner undefined',
      'third undefined',
    ]);
  });

  test('a nested unit that throws leaves the outer one’s writes alone', async () => {
    const { database, timers, insert, names } = nameDatabase();
    const { said, follow } = log();
    follow(
      'outer',
      database.turn.unit(() => {
        insert('before');
        const inner = database.turn.unit(() => {
          insert('inner');
          throw new Error('no');
        });
        follow('inner', inner);
        insert('after');
      }),
    );
    timers.turn();
    await settled();
    expect(names()).toEqual(['before', 'after']);
    expect(said).toEqual(['inner no', 'outer undefined']);
  });

  test('an outer unit that throws undoes its nested units, whose promises reject with its error', async () => {
    const { database, timers, insert, names } = nameDatabase();
    const { said, follow } = log();
    follow(
      'outer',
      database.turn.unit(() => {
        follow(
          'inner',
          database.turn.unit(() => insert('inner')),
        );
        // Nobody looks at this one: its rejection must not end the process.
        void database.turn.unit(() => insert('unwatched'));
        throw new Error('no');
      }),
    );
    follow(
      'next',
      database.turn.unit(() => insert('next')),
    );
    timers.turn();
    await settled();
    expect(names()).toEqual(['next']);
    expect(said).toEqual(['inner no', 'outer no', 'next undefined']);
  });

  test('undo effects run latest first, and only those of what is undone', async () => {
    const { database, timers } = nameDatabase();
    const { turn } = database;
    const undone: string[] = [];
    const kept = turn.unit(() => turn.onUndo(() => undone.push('kept')));
    const outer = turn.unit(() => {
      turn.onUndo(() => undone.push('outer 1'));
      void turn.unit(() => turn.onUndo(() => undone.push('inner')));
      turn.onUndo(() => undone.push('outer 2'));
      throw new Error('no');
    });
    expect(undone).toEqual(['outer 2', 'inner', 'outer 1']);
    timers.turn();
    await kept;
    await expect(outer).rejects.toThrow('no');
    expect(undone).toHaveLength(3);
  });

  test('beforeCommit runs once a turn, inside its transaction', async () => {
    const { database, timers, insert, names } = nameDatabase();
    const gathered: string[] = [];
    database.turn.beforeCommit(() => {
      if (gathered.length > 0) insert(gathered.splice(0).join('+'));
    });
    const units = ['a', 'b'].map((name) => database.turn.unit(() => gathered.push(name)));
    timers.turn();
    await Promise.all(units);
    const third = database.turn.unit(() => gathered.push('c'));
    timers.turn();
    await third;
    expect(names()).toEqual(['a+b', 'c']);
  });

  test('withChanges runs in turns that store something, be it before the commit only, and in no others', async () => {
    const { database, timers, insert, names } = nameDatabase();
    const gathered: string[] = [];
    let turns = 0;
    database.turn.withChanges(() => insert(`change ${++turns}`));
    database.turn.beforeCommit(() => {
      for (const name of gathered.splice(0)) insert(name);
    });
    const commit = async (work: () => unknown): Promise<void> => {
      const unit = database.turn.unit(work);
      timers.turn();
      await unit;
    };
    await commit(() => names());
    expect(names()).toEqual([]);
    await commit(() => insert('a'));
    expect(names()).toEqual(['a', 'change 1']);
    await commit(() => gathered.push('b'));
    expect(names()).toEqual(['a', 'change 1', 'b', 'change 2']);
    await commit(() => names());
    expect(names()).toEqual(['a', 'change 1', 'b', 'change 2']);
  });

  test('an effect may open the next turn', async () => {
    const { database, timers, insert, names } = nameDatabase();
    let second: Promise<void> | undefined;
    const first = database.turn.unit(() => {
      database.turn.onCommit(() => {
        second = database.turn.unit(() => insert('second'));
      });
    });
    timers.turn();
    await first;
    expect(database.connection.isTransaction).toBe(true);
    timers.turn();
    await second;
    expect(names()).toEqual(['second']);
  });

  test('writing outside a unit is refused', () => {
    const { insert, names } = nameDatabase();
    expect(() => insert('a')).toThrow('only inside a unit');
    expect(names()).toEqual([]);
  });

  test('an effect that throws is fatal and keeps no answer from leaving', async () => {
    const { database, timers, insert, fatal } = nameDatabase();
    const unit = database.turn.unit(() => {
      database.turn.onCommit(() => {
        throw new Error('wrong');
      });
      insert('a');
    });
    timers.turn();
    await unit;
    expect(fatal.map((error) => error.cause)).toEqual([new Error('wrong')]);
  });

  test('closing commits the open turn', async () => {
    const { database, insert } = nameDatabase();
    const unit = database.turn.unit(() => insert('a'));
    database.close();
    expect(await unit).toBe(undefined);
    expect(database.connection.isOpen).toBe(false);
  });
});

describe('a lost turn', () => {
  /** A database with room for a few pages more, and what fills them. */
  function smallDisk() {
    const fixture = nameDatabase();
    const { connection } = fixture.database;
    const pages = Number(connection.prepare('PRAGMA page_count').get()?.['page_count']);
    connection.exec(`PRAGMA max_page_count = ${pages + 4}`);
    return { ...fixture, fill: () => fixture.insert('x'.repeat(100_000)) };
  }

  test('a full disk in one unit loses the whole turn: nothing stored, every answer TurnLost, reads and refusals too', async () => {
    const { database, insert, names, fill } = smallDisk();
    const { turn } = database;
    const effects: string[] = [];
    const undone: string[] = [];
    turn.onLost(() => undone.push('rebuilt'));
    const units = [
      turn.unit(() => {
        turn.onCommit(() => effects.push('effect'));
        turn.onUndo(() => undone.push('undone'));
        insert('a');
      }),
      turn.unit(names),
      turn.unit(() => {
        throw new Error('refused');
      }),
      turn.unit(fill),
    ];
    const outcomes = await Promise.allSettled(units);
    expect(outcomes.map((o) => o.status === 'rejected' && o.reason instanceof TurnLost)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(names()).toEqual([]);
    expect(effects).toEqual([]);
    expect(undone).toEqual(['undone', 'rebuilt']);
    expect(database.connection.isTransaction).toBe(false);
  });

  test('a unit that swallows the storage error can write nothing more, and is lost all the same', async () => {
    const { database, insert, names, fill } = smallDisk();
    const seen: unknown[] = [];
    const unit = database.turn.unit(() => {
      for (const write of [
        fill,
        () => insert('autocommitted'),
        names,
        () => database.turn.unit(() => insert('nested')),
      ]) {
        try {
          write();
        } catch (error) {
          seen.push(error);
        }
      }
    });
    await expect(unit).rejects.toBeInstanceOf(TurnLost);
    expect(seen).toHaveLength(3);
    expect(seen.slice(1).every((error) => error instanceof TurnLost)).toBe(true);
    expect(names()).toEqual([]);
  });

  test('a full disk in a nested unit stops the outer one, whose own promise alone has to be handled', async () => {
    const { database, insert, names, fill } = smallDisk();
    const unit = database.turn.unit(() => {
      insert('outer');
      void database.turn.unit(fill);
      return 'went on';
    });
    await expect(unit).rejects.toBeInstanceOf(TurnLost);
    expect(names()).toEqual([]);
  });

  test('a unit may say in its own words that the turn was lost', async () => {
    const { database, fill } = smallDisk();
    class Unavailable extends Error {}
    const unavailable = (error: TurnLost) => new Unavailable('try again', { cause: error });
    const first = database.turn.unit(() => 1, unavailable);
    const second = database.turn.unit(fill, unavailable);
    const outcomes = await Promise.allSettled([first, second]);
    expect(outcomes.map((o) => o.status === 'rejected' && o.reason instanceof Unavailable)).toEqual([
      true,
      true,
    ]);
  });

  test('the next turn begins anew', async () => {
    const { database, timers, insert, names, fill } = smallDisk();
    await expect(database.turn.unit(fill)).rejects.toBeInstanceOf(TurnLost);
    const unit = database.turn.unit(() => insert('b'));
    timers.turn();
    await unit;
    expect(names()).toEqual(['b']);
  });

  test('a commit that fails loses the turn', async () => {
    const { database, timers } = nameDatabase();
    // A deferred foreign key is checked by COMMIT itself, which then fails and leaves the transaction open.
    database.migrate('deferred', [
      {
        version: 1,
        sql: `CREATE TABLE parents (id INTEGER PRIMARY KEY) STRICT;
              CREATE TABLE children (parent INTEGER REFERENCES parents DEFERRABLE INITIALLY DEFERRED) STRICT`,
      },
    ]);
    const orphan = database.prepare<[], never>('INSERT INTO children (parent) VALUES (1)');
    const count = database.prepare<[], { n: number }>('SELECT count(*) AS n FROM children');
    const undone: string[] = [];
    const units = [
      database.turn.unit(() => orphan.run()),
      database.turn.unit(() => database.turn.onUndo(() => undone.push('second'))),
    ];
    timers.turn();
    const outcomes = await Promise.allSettled(units);
    expect(outcomes.map((o) => o.status === 'rejected' && o.reason instanceof TurnLost)).toEqual([
      true,
      true,
    ]);
    expect(undone).toEqual(['second']);
    expect(database.connection.isTransaction).toBe(false);
    expect(count.get()).toEqual({ n: 0 });
  });

  test('a beforeCommit that throws loses the turn', async () => {
    const { database, timers, insert, names } = nameDatabase();
    let broken = true;
    database.turn.beforeCommit(() => {
      if (broken) throw new Error('wrong');
    });
    const unit = database.turn.unit(() => insert('a'));
    timers.turn();
    await expect(unit).rejects.toMatchObject({ name: 'TurnLost', cause: new Error('wrong') });
    expect(names()).toEqual([]);
    broken = false;
    const next = database.turn.unit(() => insert('b'));
    timers.turn();
    await next;
    expect(names()).toEqual(['b']);
  });

  test('a transaction ended behind the turn’s back loses the turn', async () => {
    const { database, insert, names } = nameDatabase();
    const unit = database.turn.unit(() => {
      insert('a');
      database.connection.exec('ROLLBACK');
    });
    await expect(unit).rejects.toBeInstanceOf(TurnLost);
    expect(names()).toEqual([]);
  });

  test('memory that cannot be rebuilt is fatal', async () => {
    const { database, fatal, fill } = smallDisk();
    database.turn.onLost(() => {
      throw new Error('unreadable');
    });
    await expect(database.turn.unit(fill)).rejects.toBeInstanceOf(TurnLost);
    expect(fatal.map((error) => error.cause)).toEqual([new Error('unreadable')]);
  });
});
