import type { Draft } from '@matrix-futures/engine';
import { describe, expect, test } from 'vitest';
import { judgeForm } from '../../src/delivery/draft-form.ts';
import { kinds } from '../../src/kinds/kind.ts';

const draft = (change: Partial<Draft> = {}): Draft => ({
  ...{ room: '!room:test', sender: '@alice:test', type: 'm.room.message', stateKey: null },
  ...{ content: {}, extras: {} },
  ...change,
});
const redaction = (redacts: string): Draft => draft({ type: 'm.room.redaction', content: { redacts } });

describe('a draft', () => {
  test.each([
    ['a message', draft()],
    ['a room of version 12', draft({ room: `!${'a'.repeat(43)}` })],
    ['state without a key', draft({ stateKey: '' })],
    ['names that only begin with dots', draft({ type: '..a', stateKey: '...' })],
    ['names with a slash', draft({ type: 'a/b', stateKey: '../a' })],
    ['a redaction', redaction('$event')],
    [
      'a redaction that is state',
      draft({ type: 'm.room.redaction', stateKey: '', content: { redacts: 'x' } }),
    ],
  ])('with %s is taken', (_, taken) => {
    expect(judgeForm(taken, kinds.other)).toBeNull();
  });

  test.each([
    ['whose room is none', draft({ room: 'room' })],
    ['whose room is an alias', draft({ room: '#room:test' })],
    ['whose room is a step in the path', draft({ room: '..' })],
    ['whose room makes the path longer than homeservers read', draft({ room: `!${':'.repeat(255)}` })],
    ['whose type is a step in the path', draft({ type: '..' })],
    ['whose state key is a step in the path', draft({ stateKey: '.' })],
    ['that redacts what is no event', redaction('..')],
    ['that redacts something longer than an event id', redaction(`$${':'.repeat(255)}`)],
  ])('%s is refused when it is scheduled', (_, refused) => {
    expect(judgeForm(refused, kinds.other)).toMatchObject({ status: 400, errcode: 'M_INVALID_PARAM' });
  });
});

test('a message without msgtype or body is refused when it is scheduled where it would be when it is sent', () => {
  const whole = { msgtype: 'm.text', body: 'later' };
  for (const content of [{}, { body: 'later' }, { msgtype: 'm.text' }, { ...whole, body: 1 }]) {
    expect(judgeForm(draft({ content }), kinds.synapse)).toMatchObject({ status: 400, errcode: 'M_UNKNOWN' });
    expect(judgeForm(draft({ content }), kinds.dendrite)).toBeNull();
    for (const other of [draft({ content, stateKey: '' }), draft({ content, type: 'm.room.encrypted' })])
      expect(judgeForm(other, kinds.synapse)).toBeNull();
  }
  expect(judgeForm(draft({ content: whole }), kinds.synapse)).toBeNull();
});
