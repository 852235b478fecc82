import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TurnLost } from '../src/index.ts';
import { nameDatabase, settled } from './memory-database.ts';

/** What one unit does, in order; then it throws, or not. */
interface Unit {
  readonly steps: readonly (string | Unit)[];
  readonly throws: boolean;
}
interface TurnPlan {
  readonly units: readonly Unit[];
  readonly commitFails: boolean;
}

const { unit } = fc.letrec<{ unit: Unit }>((tie) => ({
  unit: fc.record({
    steps: fc.array(fc.oneof({ depthSize: 'small' }, fc.constantFrom('a', 'b', 'c', 'd'), tie('unit')), {
      maxLength: 4,
    }),
    throws: fc.boolean(),
  }),
}));
const turn: fc.Arbitrary<TurnPlan> = fc.record({
  units: fc.array(unit, { minLength: 1, maxLength: 4 }),
  commitFails: fc.nat(3).map((n) => n === 0),
});

/** The model: a list of names in which a duplicate is an error; answers in the order in which units ended. */
function modelUnit({ steps, throws }: Unit, names: string[], answers: string[]): boolean {
  const before = names.length;
  const earlier = answers.length;
  let failed = false;
  for (const step of steps) {
    if (typeof step !== 'string') {
      modelUnit(step, names, answers);
    } else if (names.includes(step)) {
      failed = true;
      break;
    } else {
      names.push(step);
    }
  }
  failed ||= throws;
  if (failed) {
    names.length = before;
    answers.fill('undone', earlier);
  }
  answers.push(failed ? 'undone' : 'kept');
  return failed;
}

function modelTurn({ units, commitFails }: TurnPlan, names: string[]): string[] {
  const before = names.length;
  const answers: string[] = [];
  for (const each of units) modelUnit(each, names, answers);
  if (!commitFails) return answers;
  names.length = before;
  return answers.map(() => 'lost');
}

test('whatever throws, nests and fails to commit: disk, memory, effects and answers are those of the model', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { maxLength: 5 }), async (turns) => {
      const { database, timers, insert, names, fatal } = nameDatabase();
      let commitFails = false;
      database.turn.beforeCommit(() => {
        if (commitFails) throw new Error('disk');
      });
      const memory: string[] = [];
      const effects: string[] = [];
      let answers: string[] = [];
      const run = ({ steps, throws }: Unit): void => {
        const promise = database.turn.unit(() => {
          for (const step of steps) {
            if (typeof step !== 'string') {
              run(step);
              continue;
            }
            database.turn.onUndo(() => memory.pop());
            memory.push(step);
            database.turn.onCommit(() => effects.push(step));
            insert(step);
          }
          if (throws) throw new Error('unit');
        });
        promise.then(
          () => answers.push('kept'),
          (error: unknown) => answers.push(error instanceof TurnLost ? 'lost' : 'undone'),
        );
      };
      const model: string[] = [];
      for (const plan of turns) {
        answers = [];
        commitFails = plan.commitFails;
        for (const each of plan.units) run(each);
        timers.turn();
        await settled();
        expect(answers).toEqual(modelTurn(plan, model));
        expect(names()).toEqual(model);
        expect(memory).toEqual(model);
        expect(effects).toEqual(model);
      }
      expect(fatal).toEqual([]);
      database.close();
    }),
    { numRuns: 150 },
  );
});
