import { delayingParameters } from '@matrix-futures/api';
import type { Probe, SetUp } from '@matrix-futures/gateway';
import type { Endpoint, Method } from '@matrix-futures/http';

/**
 * Requests by which the doctor sees that nothing of the gateway's ends elsewhere: one for every path and parameter of
 * the API, and in spellings that homeservers read alike and no client uses what a homeserver would send at once. None
 * of them can do anything: they are made with the token of nobody, about a room that does not exist.
 */
export function probesOf(endpoints: readonly Endpoint[]): SetUp['probes'] {
  const usual = endpoints.flatMap(({ methods, paths, when }) =>
    paths.flatMap((path) =>
      methods.flatMap((method) =>
        isProbed(method) ? (when?.parameters ?? [null]).map((name) => probe(method, fill(path), name)) : [],
      ),
    ),
  );
  const plain = [`${client}/v3${room}/send/${type}/doctor`, `${client}/v3${room}/state/${type}`];
  const odd = [
    ...plain.flatMap((path) =>
      delayingParameters.flatMap((name) => spellings(name).map((spelled) => probe('PUT', path, spelled))),
    ),
    ...batches.map((path) => probe('PUT', `${path}/doctor`, null)),
  ];
  return { usual, odd };
}

const client = '/_matrix/client';
const room = '/rooms/!doctor%3Ainvalid';
const type = 'dev.matrix-futures.doctor';

const fill = (path: string): string =>
  path.replace(':roomId', '!doctor%3Ainvalid').replace(':eventType', type).replaceAll(/:\w+/g, 'doctor');

const probed = ['GET', 'PUT', 'POST'] as const satisfies readonly Method[];
const isProbed = (method: Method): method is (typeof probed)[number] => probed.some((one) => one === method);

const probe = (method: Probe['method'], path: string, name: string | null): Probe => ({
  method,
  target: name === null ? path : `${path}?${name}=60000`,
});

/** Ways to write a parameter's name that come out as the name. */
function spellings(name: string): readonly string[] {
  return [
    encode(name, () => true),
    encode(name, (_, index) => index === 0).toLowerCase(),
    encode(name, (character) => /\W|_/.test(character)),
    // Twisted, and Synapse with it, takes a semicolon for the end of a parameter.
    `a=b;${name}`,
    // Decoders that stop at what is malformed must not stop before the name.
    `a=%zz&${name}`,
  ];
}

/** Ways to write the path of a batch, to homeservers one of the events of type `future`. */
const batches = [
  `${client}/api/v1${room}/send/future`,
  `${client}/unstable${room}/send/future`,
  `${client}/v3${room}//send//future`,
  `${client}/v3${room}/send/%66uture`,
  `${client}/v3${room}/s%65nd/future`,
  `${client}/v3${room.replace('rooms', '%72ooms')}/send/future`,
];

function encode(text: string, which: (character: string, index: number) => boolean): string {
  return Array.from(text, (character, index) =>
    which(character, index) ? `%${character.charCodeAt(0).toString(16).toUpperCase()}` : character,
  ).join('');
}
