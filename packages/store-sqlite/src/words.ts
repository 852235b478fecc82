import type { CancelReason, Fence, Future, Generation, Group, Outcome } from '@matrix-futures/engine';

/** The words of the engine as the tables hold them: by their place in these lists, to which may only be added. */
export const generations: readonly Generation[] = ['futures', 'delay-parameter', 'delayed-events'];
export const phases: readonly Group['phase'][] = ['staged', 'open', 'claimed', 'sent', 'closed'];
export const statuses: readonly Future['status'][] = ['staged', 'scheduled', 'finished'];
export const fences: readonly Fence['kind'][] = ['untold', 'event', 'absent', 'unreadable'];
export const outcomes: readonly Outcome['kind'][] = ['sent', 'failed', 'cancelled'];
export const cancelReasons: readonly CancelReason[] = ['token', 'owner', 'state', 'group', 'deactivated'];

export function codeOf<Word>(words: readonly Word[], word: Word): number {
  return words.indexOf(word);
}

export function wordOf<Word>(words: readonly Word[], code: number): Word {
  const word = words[code];
  if (word === undefined)
    throw new RangeError(`a row of a release that this one does not know: code ${code}`);
  return word;
}
