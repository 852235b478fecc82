import { client, endpoint, type Endpoint } from '@matrix-futures/http';

/** `GET /account/whoami` */
export function getWhoami(): Endpoint {
  return endpoint({
    method: 'GET',
    paths: client('/account/whoami'),
    authentication: 'required',
    summary: 'Tells whose login this is',
    handle: ({ requester: { user, device, isGuest } }) => ({
      body: { user_id: user, ...(device !== null && { device_id: device }), is_guest: isGuest },
    }),
  });
}
