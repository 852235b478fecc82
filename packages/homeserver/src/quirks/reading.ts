import { contentOf } from '../rooms/stored-event.ts';
import { requireJoined, seenUpTo } from '../rooms/access.ts';
import { walk } from '../rooms/history.ts';
import type { Reading } from '../rooms/reading.ts';
import type { Quirks } from './quirks.ts';

/** Reads rooms as the server with these quirks does. */
export function oddReading(quirks: Quirks): Reading {
  return {
    page(store, asked) {
      const { wanted } = asked;
      if (!quirks.filtersAfterLimit || wanted === null) return walk(store, asked);
      const { events, end } = walk(store, { ...asked, wanted: null });
      const passing = events.filter((event) =>
        wanted({ type: event.type, sender: event.sender, content: () => contentOf(event) }),
      );
      return { events: passing, end };
    },
    messagesUpTo(rooms, room, user) {
      if (quirks.hidesMessagesAfterLeaving) requireJoined(rooms, room, user);
      return seenUpTo(rooms, room, user);
    },
    stateUpTo(rooms, room, user, type, key) {
      const isOwn = type === 'm.room.member' && key === user;
      const isInvited = rooms.store.membership(room, user)?.membership === 'invite';
      if (quirks.showsOwnInvite && isOwn && isInvited) return rooms.positions.current();
      return seenUpTo(rooms, room, user);
    },
  };
}
