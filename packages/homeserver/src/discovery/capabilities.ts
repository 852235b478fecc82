import type { JsonObject } from '@matrix-futures/engine';
import { client, endpoint, type Endpoint } from '@matrix-futures/http';
import { roomVersions, type RoomVersionId } from '../room-versions/room-version.ts';

/**
 * `GET /capabilities` (client-server API, "Capabilities negotiation").
 * @param further capabilities of other parts: asked at every request
 */
export function getCapabilities(defaultRoomVersion: RoomVersionId, further: () => JsonObject): Endpoint {
  const available = Object.fromEntries(Object.keys(roomVersions).map((version) => [version, 'stable']));
  return endpoint({
    method: 'GET',
    paths: client('/capabilities'),
    authentication: 'required',
    summary: 'Tells what the server lets its users do',
    handle: () => ({
      body: {
        capabilities: {
          'm.room_versions': { default: defaultRoomVersion, available },
          'm.set_displayname': { enabled: true },
          'm.set_avatar_url': { enabled: true },
          'm.profile_fields': { enabled: true },
          'm.3pid_changes': { enabled: false },
          'm.get_login_token': { enabled: false },
          ...further(),
        },
      },
    }),
  });
}
