import { HomeserverUnavailable, type RoomId, type UserId } from '@matrix-futures/engine';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import type { Puppet } from '../upstream/puppet.ts';

const invitations = Compile(
  Type.Object({
    rooms: Type.Optional(Type.Object({ invite: Type.Optional(Type.Record(Type.String(), Type.Unknown())) })),
  }),
);

/** Who is invited where. Synapse does not show the invited their own membership: a sync that is left empty tells. */
export class Invitations {
  readonly #puppet: Puppet;

  constructor(puppet: Puppet) {
    this.#puppet = puppet;
  }

  /** @throws HomeserverUnavailable */
  async has(room: RoomId, user: UserId): Promise<boolean> {
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
      as: user,
      path: ['sync'],
      query: { filter: JSON.stringify(filter), timeout: '0', set_presence: 'offline' },
    });
    if (status !== 200 || !invitations.Check(body))
      throw new HomeserverUnavailable(`The homeserver answered ${status} when asked for invitations`);
    return body.rooms?.invite?.[room] !== undefined;
  }
}
