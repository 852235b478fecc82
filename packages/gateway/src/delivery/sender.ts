import { HomeserverUnavailable, type Draft, type Refusal, type UserId } from '@matrix-futures/engine';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { Puppet } from '../upstream/puppet.ts';
import type { RoomReader } from './room-reader.ts';
import type { Witnesses } from './witnesses.ts';

/** What only an administrator can see of an account; null: nothing is wrong with it. */
export type JudgeAccount = (user: UserId) => Promise<Refusal | null>;

const invitations = Compile(
  Type.Object({
    rooms: Type.Optional(Type.Object({ invite: Type.Optional(Type.Record(Type.String(), Type.Unknown())) })),
  }),
);

/**
 * Whether the gateway may send in somebody's name. Masquerading is stopped neither by deactivation nor by locking, and
 * the deactivated have only left their rooms: so nobody is acted for who is not in the room, whatever the homeserver
 * would let pass. Those who left and came back are.
 */
export class SenderJudge {
  readonly #puppet: Puppet;
  readonly #rooms: RoomReader;
  readonly #witnesses: Witnesses;
  readonly #judgeAccount: JudgeAccount;

  constructor(puppet: Puppet, rooms: RoomReader, witnesses: Witnesses, judgeAccount: JudgeAccount) {
    this.#puppet = puppet;
    this.#rooms = rooms;
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
    // Synapse does not show the invited their own membership.
    if (own === 'join' && (membership === 'invite' || (await this.#isInvited(draft)))) return null;
    return {
      status: 403,
      errcode: 'M_FORBIDDEN',
      error: `${sender} is not in the room ${room} (any more): nothing is sent in the name of who is out`,
    };
  }

  async #isInvited({ room, sender }: Draft): Promise<boolean> {
    const nothing = { types: [] };
    const filter = {
      presence: nothing,
      account_data: nothing,
      room: {
        rooms: [room],
        state: nothing,
        timeline: { limit: 1 },
        ephemeral: nothing,
        account_data: nothing,
      },
    };
    const { status, body } = await this.#puppet.get({
      as: sender,
      path: ['sync'],
      query: { filter: JSON.stringify(filter), timeout: '0', set_presence: 'offline' },
    });
    if (status !== 200 || !invitations.Check(body))
      throw new HomeserverUnavailable(`The homeserver answered ${status} when asked for invitations`);
    return body.rooms?.invite?.[room] !== undefined;
  }
}
