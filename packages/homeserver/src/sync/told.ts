import { lastExit, type Step } from '../rooms/own-membership.ts';

/**
 * How far a client that was told anything of a room has certainly been told of it: up to its token while its user was
 * inside, up to the leave once that was told. An invite or a knock is told in place of the leave before it; behind one
 * it is only certain that the client knows nothing from before the first stay.
 * @param steps of the user's own membership
 * @param since the client's token; null: it has none
 * @returns null: it has been told nothing
 */
export function toldUpTo(steps: readonly Step[], since: number | null): number | null {
  const past = since === null ? [] : steps.filter((step) => step.position <= since);
  const firstStay = past.find((step) => step.membership === 'join');
  if (firstStay === undefined) return null;
  switch (past.at(-1)?.membership) {
    case 'join':
      return since;
    case 'leave':
    case 'ban':
      return lastExit(past);
    default:
      return firstStay.position;
  }
}
