import type { Accepted, JsonObject, JsonValue, Refused, RoomId, UserId } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import { listMember } from '../events/json-member.ts';
import { findRoomVersion, type RoomVersion } from '../room-versions/room-version.ts';
import { memberContent, requireLocalUser } from './membership.ts';
import { powerLevels, presets, presetState, type Piece } from './presets.ts';
import type { RoomRequest } from './room-request.ts';
import type { Rooms } from './rooms.ts';

/**
 * Makes a room with all of its first events, inside a unit: create, the creator's join, power levels, what the preset
 * says, `initial_state`, name and topic, invites, in that order (client-server API, "Creation"). What `initial_state`
 * says goes before what the preset says.
 * @throws MatrixError, and then nothing of the room is left
 */
export function createRoom(rooms: Rooms, creator: UserId, request: RoomRequest): RoomId {
  const version = requestedVersion(rooms, request);
  const invited = invitedUsers(rooms, request);
  const preset =
    presets[request.preset ?? (request.visibility === 'public' ? 'public_chat' : 'private_chat')];
  const equals = preset.trusted ? invited : [];
  const wall = rooms.clock.wall();

  const { room } = accepted(
    rooms.append.appendCreate(
      {
        creator,
        version,
        id: version.roomIds === 'named' ? rooms.newRoomId() : null,
        content: createContent(creator, version, equals, request.creation_content ?? {}),
        isPublic: request.visibility === 'public',
      },
      wall,
    ),
  );
  const add = ({ type, key, content }: Piece): void => {
    accepted(rooms.append.append({ room, sender: creator, type, stateKey: key, content, extras: {} }, wall));
  };
  const member = (user: UserId, membership: 'join' | 'invite', content: JsonObject): Piece => ({
    type: 'm.room.member',
    key: user,
    content: memberContent(rooms, user, membership, content),
  });

  const initial = (request.initial_state ?? []).map(({ type, state_key: key = '', content }): Piece => ({
    type,
    key,
    content,
  }));
  const isLevels = ({ type, key }: Piece): boolean => type === 'm.room.power_levels' && key === '';
  const said = new Set(initial.map(({ type, key }) => `${type.length} ${type}${key}`));

  add(member(creator, 'join', {}));
  add(
    initial.find(isLevels) ?? {
      type: 'm.room.power_levels',
      key: '',
      content: {
        ...powerLevels(preset, version, [creator, ...equals]),
        ...request.power_level_content_override,
      },
    },
  );
  for (const piece of presetState(preset)) {
    if (!said.has(`${piece.type.length} ${piece.type}${piece.key}`)) add(piece);
  }
  for (const piece of initial) if (!isLevels(piece)) add(piece);
  if (request.name !== undefined) add({ type: 'm.room.name', key: '', content: { name: request.name } });
  if (request.topic !== undefined) add({ type: 'm.room.topic', key: '', content: { topic: request.topic } });
  for (const user of invited) {
    add(member(user, 'invite', request.is_direct === true ? { is_direct: true } : {}));
  }
  return room;
}

function requestedVersion(rooms: Rooms, request: RoomRequest): RoomVersion {
  const id = request.room_version ?? rooms.defaultRoomVersion;
  const version = findRoomVersion(id);
  if (version === undefined) {
    throw new MatrixError('unsupportedRoomVersion', `Room version "${id}" is not one of 10, 11 and 12.`);
  }
  return version;
}

function invitedUsers(rooms: Rooms, request: RoomRequest): readonly UserId[] {
  if (request.room_alias_name !== undefined) {
    throw new MatrixError('invalidParam', 'room_alias_name: this server has no room aliases.');
  }
  if ((request.invite_3pid ?? []).length > 0) {
    throw new MatrixError('invalidParam', 'invite_3pid: this server has no identity server.');
  }
  const invited = [...new Set(request.invite)];
  for (const user of invited) requireLocalUser(rooms, user);
  return invited;
}

/** `creator` and `room_version` are the server's to say. */
function createContent(
  creator: UserId,
  version: RoomVersion,
  equals: readonly UserId[],
  asked: JsonObject,
): JsonObject {
  const named: readonly JsonValue[] = listMember(asked, 'additional_creators') ?? [];
  const additional = [...new Set([...named, ...equals])];
  return {
    ...asked,
    ...(version.creators === 'content' && { creator }),
    ...(version.creators === 'sender-and-additional' &&
      equals.length > 0 && { additional_creators: additional }),
    room_version: version.id,
  };
}

/** What a room under construction does not want is wrong with the request, not with who asks. */
function accepted<A extends Accepted>(answer: A | Refused): A {
  if (answer.kind === 'accepted') return answer;
  const { error } = answer;
  if (error.errcode === 'M_FORBIDDEN') throw new MatrixError('invalidRoomState', error.error);
  throw MatrixError.from(error);
}
