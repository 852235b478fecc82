import { client, endpoint, unstable, type Endpoint } from '@matrix-futures/http';

/** `GET /voip/turnServer`: there is none (client-server API, "Voice over IP"). */
export function getTurnServer(): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/voip/turnServer'),
    authentication: 'required',
    summary: 'Names TURN servers for calls',
    handle: () => ({ body: {} }),
  });
}

/** `GET /rtc/transports` (MSC4143): the homeserver has no media server of its own; clients use the room's. */
export function getRtcTransports(): Endpoint {
  return endpoint({
    method: 'GET',
    paths: unstable(['org.matrix.msc4143'], '/rtc/transports'),
    authentication: 'required',
    summary: 'Names media servers for calls',
    handle: () => ({ body: { rtc_transports: [] } }),
  });
}
