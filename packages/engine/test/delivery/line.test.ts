import { expect, test } from 'vitest';
import { Line } from '../../src/delivery/line.ts';

const never = new AbortController().signal;

/** Who is in, in the order in which they came in. The first letter of a name is its owner. */
function visitors(line: Line) {
  const inside: string[] = [];
  const places = new Map<string, Disposable>();
  const come = async (name: string, awaited = false, end = never): Promise<void> => {
    const place = await line.enter(name.slice(0, 1), awaited, end);
    if (place === null) return;
    inside.push(name);
    places.set(name, place);
  };
  const go = async (name: string): Promise<void> => {
    places.get(name)?.[Symbol.dispose]();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { inside, come, go };
}

test('as many as there are places are in at once, the others come in as these leave, in order', async () => {
  const { inside, come, go } = visitors(new Line(2, 2));
  for (const name of ['a', 'b', 'c', 'd']) void come(name);
  await go('nobody');
  expect(inside).toEqual(['a', 'b']);
  await go('b');
  expect(inside).toEqual(['a', 'b', 'c']);
  await go('a');
  expect(inside).toEqual(['a', 'b', 'c', 'd']);
});

test('who is waited for comes in before all who are not', async () => {
  const { inside, come, go } = visitors(new Line(1, 1));
  void come('a');
  void come('b');
  void come('c', true);
  void come('d', true);
  for (const name of ['nobody', 'a', 'c', 'd', 'b']) await go(name);
  expect(inside).toEqual(['a', 'c', 'd', 'b']);
});

test('who leaves the line is passed over, and takes no place', async () => {
  const line = new Line(1, 1);
  const { inside, come, go } = visitors(line);
  const end = new AbortController();
  void come('a');
  const gone = line.enter('x', false, end.signal);
  void come('c');
  end.abort();
  expect(await gone).toBeNull();
  expect(await line.enter('x', true, end.signal)).toBeNull();
  await go('nobody');
  await go('a');
  expect(inside).toEqual(['a', 'c']);
});

test('a place that is given back twice is one place', async () => {
  const { inside, come, go } = visitors(new Line(1, 1));
  for (const name of ['a', 'b', 'c']) void come(name);
  await go('nobody');
  await go('a');
  await go('a');
  expect(inside).toEqual(['a', 'b']);
});

test('of one owner no more are in at once than their share, while there are places for others', async () => {
  const { inside, come, go } = visitors(new Line(3, 2));
  for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2']) void come(name);
  await go('nobody');
  expect(inside).toEqual(['a1', 'a2', 'b1']);
  await go('b1');
  expect(inside).toEqual(['a1', 'a2', 'b1', 'b2']);
  await go('a1');
  expect(inside).toEqual(['a1', 'a2', 'b1', 'b2', 'a3']);
  void come('c');
  await go('b2');
  expect(inside.at(-1)).toBe('c');
});
