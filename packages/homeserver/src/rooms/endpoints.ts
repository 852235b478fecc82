import type { Endpoint } from '@matrix-futures/http';
import { getContext } from './endpoints/context.ts';
import { postCreateRoom } from './endpoints/create-room.ts';
import { forgetRoom } from './endpoints/forget.ts';
import { getEvent } from './endpoints/get-event.ts';
import { getState, getWholeState } from './endpoints/get-state.ts';
import { inviteUser } from './endpoints/invite.ts';
import { joinRoom } from './endpoints/join.ts';
import { getJoinedRooms } from './endpoints/joined-rooms.ts';
import { leaveRoom } from './endpoints/leave.ts';
import { getJoinedMembers, getMembers } from './endpoints/members.ts';
import { getMessages } from './endpoints/messages.ts';
import { moderateRoom } from './endpoints/moderate.ts';
import { redactEvent } from './endpoints/redact.ts';
import type { Rooms } from './rooms.ts';

/** All of rooms but plain `send` and `state`, which have a name of their own. */
export function roomEndpoints(rooms: Rooms): readonly Endpoint[] {
  return [
    postCreateRoom(rooms),
    joinRoom(rooms),
    inviteUser(rooms),
    leaveRoom(rooms),
    ...moderateRoom(rooms),
    forgetRoom(rooms),
    getJoinedRooms(rooms),
    redactEvent(rooms),
    getState(rooms),
    getWholeState(rooms),
    getMembers(rooms),
    getJoinedMembers(rooms),
    getMessages(rooms),
    getEvent(rooms),
    getContext(rooms),
  ];
}
