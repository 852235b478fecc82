const room = '/rooms/!a%2Fb%3Aexample.org';

/** Requests that have to come to the gateway: a homeserver would send at once what most of them are about. */
export const delayed: readonly (readonly [method: string, path: string])[] = [
  // the text of 6 June 2024
  ['PUT', `/_matrix/client/v3${room}/send_future/m.room.message/t1?future_timeout=5`],
  [
    'PUT',
    `/_matrix/client/unstable/io.element.msc3140${room}/state_future/a.b/%40alice%3Aexample.org?future_timeout=5`,
  ],
  ['PUT', `/_matrix/client/v3${room}/state_future/a.b/`],
  ['PUT', `/_matrix/client/r0${room}/send/future/t2`],
  ['POST', '/_matrix/client/v3/futures/SECRET'],
  ['PUT', '/_matrix/client/v1/future/SECRET'],
  ['GET', '/_matrix/client/v3/futures'],
  ['PUT', `/_matrix/client/v3${room}/send/m.room.message/t3?future_timeout=5`],
  ['PUT', `/_matrix/client/v3${room}/state/a.b/c?io.element.msc4140.future_group_id=g`],
  // the delay parameter
  ['PUT', `/_matrix/client/v3${room}/send/m.room.message/t4?org.matrix.msc4140.delay=5`],
  ['PUT', `/_matrix/client/r0${room}/state/a.b?x=1&org.matrix.msc4140.delay=5`],
  ['POST', `/_matrix/client/v3${room}/send/m.room.message?org.matrix.msc4140.delay=5`],
  ['PUT', `/_matrix/client/v3${room}/send/a/t?org.matrix.msc4140.parent_delay_id=x`],
  ['POST', '/_matrix/client/unstable/org.matrix.msc4140/delayed_events/SECRET/restart'],
  ['GET', '/_matrix/client/unstable/org.matrix.msc4140/delayed_events'],
  // as merged
  ['PUT', `/_matrix/client/v3${room}/delayed_event/m.room.message/t5`],
  ['PUT', `/_matrix/client/unstable/org.matrix.msc4140${room}/delayed_event/m.room.message/t5`],
  ['GET', '/_matrix/client/v1/delayed_events'],
  ['POST', '/_matrix/client/v1/delayed_events/SECRET/send'],
  ['GET', '/_matrix/client/unstable/org.matrix.msc4486/delayed_events?limit=1'],
  // what the gateway adds
  ['POST', '/_matrix/client/unstable/dev.matrix-futures/tokens'],
  ['POST', '/_matrix/client/unstable/io.element.msc4195/rtc/livekit/delegate_delayed_leave'],
  ['GET', '/_matrix/client/v3/capabilities'],
  ['GET', '/_matrix/client/versions'],
  // names in other spellings, which homeservers decode
  ['PUT', `/_matrix/client/v3${room}/send/m.room.message/t6?org%2Ematrix%2emsc4140.delay=5`],
  ['PUT', `/_matrix/client/v3${room}/send/m.room.message/t6?%6Frg.matrix.msc4140.dela%79=5`],
  ['PUT', `/_matrix/client/v3${room}/send/m.room.message/t6?%66uture%5ftimeout=5`],
  ['PUT', `/_matrix/client/v3${room}/send/m.room.message/t6?a=1;org.matrix.msc4140.delay=5`],
  ['PUT', `/_matrix/client/v3${room}/send/m.room.message/t6?a=%zz&org.matrix.msc4140.delay=5`],
  ['PUT', `/_matrix/client/v3${room}/send/m.room.message/t6?a?b&org.matrix.msc4140.delay=5`],
  ['PUT', `/_matrix/client/v3${room}/send/m.room.message/t6?org.matrix.msc4140.delay`],
  ['PUT', `/_matrix/client/api/v1${room}/send/m.room.message/t6?org.matrix.msc4140.delay=5`],
  ['PUT', `/_matrix/client/api/v1${room}/send/future/t7`],
  ['PUT', `/_matrix/client/v3/rooms/!r/send/%66uture/t7`],
  ['PUT', `/_matrix/client/v3/rooms/!r/s%65nd/future/t7`],
  ['PUT', `/_matrix/client/v3/%72ooms/!r/send/future/t7`],
  ['PUT', `/_matrix/client/v%33/rooms/!r/send/m.room.message/t7?org.matrix.msc4140.delay=5`],
  ['PUT', `/_matrix/client/v3${room}/send/m.room.message/t7?org.matrix.msc%34140.delay=5`],
  ['PUT', `/_matrix/client/v3//rooms/!r//send//future/t7`],
  ['PUT', `/_matrix/client/v3/rooms/!r/x/../send/future/t7`],
  ['PUT', `/_matrix/client/v3/rooms/!r/send/%2e/future/t7`],
];

/** Paths of the gateway in spellings that no homeserver knows. */
export const unknown = (roomId: string): readonly string[] => [
  `/_matrix/client/unstable/rooms/${roomId}/send_future/a/t`,
  `/_matrix/client/api/v1/rooms/${roomId}/state_future/a/b`,
  `/_matrix/client/v3/rooms/${roomId}/send%5Ffuture/a/t`,
  `/_matrix/client/v3//rooms/${roomId}/delayed_event/a/t`,
  `/_matrix/client/v3/%72ooms/${roomId}/delayed%5fevent/a/t`,
  `/_matrix/client/v3/rooms/${roomId}/x/../send_future/a/t`,
];

/** Requests that the homeserver answers, also when the gateway is away. */
export const plain: readonly (readonly [method: string, path: string])[] = [
  ['PUT', `/_matrix/client/v3${room}/send/m.room.message/t8`],
  ['PUT', `/_matrix/client/v3${room}/send/m.room.message/t8?access_token=HUSH`],
  ['PUT', `/_matrix/client/v3${room}/state/org.matrix.msc3401.call.member/_%40alice%3Aexample.org_D_m.call`],
  ['GET', '/_matrix/client/v3/sync?filter=%7B%22a%22%3A1%7D&timeout=30000&since=s1%2F2'],
  ['POST', '/_matrix/client/v3/keys/upload'],
  ['GET', '/_matrix/media/v3/download/example.org/%E2%98%83'],
  ['GET', '/_matrix/client/v1/media/download/example.org/abc'],
  ['PUT', '/_matrix/federation/v1/send/12?x'],
  ['GET', '/_matrix/key/v2/server'],
  // names that only look like those of the gateway
  ['GET', '/_matrix/client/v3/user/@a:b/account_data/futures'],
  ['PUT', `/_matrix/client/v3${room}/send/my.future/t`],
  ['GET', '/_matrix/client/v3/capabilitiesX'],
];
