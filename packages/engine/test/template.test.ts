import { describe, expect, test } from 'vitest';
import { mentionsSendNow, sendNowVariables, withSendNow } from '../src/template.ts';

describe('the variable for the event id of send_now', () => {
  test.each(sendNowVariables)('%s is replaced wherever it stands in a string', (variable) => {
    const content = {
      redacts: variable,
      list: [{ deep: `to ${variable}, twice ${variable}` }],
      n: 1,
      no: null,
    };
    expect(withSendNow(content, '$id')).toEqual({
      redacts: '$id',
      list: [{ deep: 'to $id, twice $id' }],
      n: 1,
      no: null,
    });
    expect(mentionsSendNow(content)).toBe(true);
  });

  test('keys are not touched, and their order stays', () => {
    const content = { z: 1, '$m.send_now.event_id': 'x', a: '$m.send_now.event_id' };
    expect(JSON.stringify(withSendNow(content, '$id'))).toBe('{"z":1,"$m.send_now.event_id":"x","a":"$id"}');
    expect(mentionsSendNow({ '$m.send_now.event_id': 'x' })).toBe(false);
  });

  test('an event id is taken as it is, patterns of replacement included', () => {
    expect(withSendNow({ a: '$m.send_now.event_id' }, "$&$'")).toEqual({ a: "$&$'" });
  });

  test('__proto__ stays an ordinary key', () => {
    const content: { [key: string]: never } = JSON.parse('{"__proto__":{"a":"$m.send_now.event_id"}}');
    expect(JSON.stringify(withSendNow(content, '$id'))).toBe('{"__proto__":{"a":"$id"}}');
  });
});
