import type { Draft, Refusal, UserId } from '@matrix-futures/engine';
import type { Invitations } from './invitations.ts';
import type { RoomReader } from './room-reader.ts';
import type { Witnesses } from './witnesses.ts';

/** What only an administrator can see of an account; null: nothing is wrong with it. */
export type JudgeAccount = (user: UserId) => Promise<Refusal | null>;

/**
 * Whether the gateway may send in somebody's name. Masquerading is stopped neither by deactivation nor by locking, and
 * the deactivated have only left their rooms: so nobody is acted for who is not in the room, whatever the homeserver
 * would let pass. Those who left and came back are.
 */
export class SenderJudge {
  readonly #rooms: RoomReader;
  readonly #invitations: Invitations;
  readonly #witnesses: Witnesses;
  readonly #judgeAccount: JudgeAccount;

  constructor(rooms: RoomReader, invitations: Invitations, witnesses: Witnesses, judgeAccount: JudgeAccount) {
    this.#rooms = rooms;
    this.#invitations = invitations;
    this.#witnesses = witnesses;
    this.#judgeAccount = judgeAccount;
  }

  /** null: it may. @throws HomeserverUnavailable */
  async judge(draft: Draft): Promise<Refusal | null> {
    const [account, room] = await Promise.all([
      this.#judgeAccount(draft.sender),
      this.#judgeMembership(draft),
    ]);
    return account ?? room;
  }

  async #judgeMembership(draft: Draft): Promise<Refusal | null> {
    const { room, sender } = draft;
    const member = await this.#rooms.state({ room, type: 'm.room.member', key: sender }, sender);
    const membership = member.kind === 'event' ? member.event.content['membership'] : null;
    if (membership === 'join') {
      this.#witnesses.seen(room, sender);
      return null;
    }
    const own =
      draft.type === 'm.room.member' && draft.stateKey === sender ? draft.content['membership'] : null;
    const isAsked = membership === 'invite' || membership === 'knock';
    if (own === 'leave' && (isAsked || membership === null)) return null;
    if (own === 'join' && (membership === 'invite' || (await this.#invitations.has(room, sender))))
      return null;
    return {
      status: 403,
      errcode: 'M_FORBIDDEN',
      error: `${sender} is not in the room ${room} (any more): nothing is sent in the name of who is out`,
    };
  }
}
