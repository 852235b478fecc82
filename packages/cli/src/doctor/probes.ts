import type { Probe, SetUp } from '@matrix-futures/gateway';
import type { Endpoint, Method } from '@matrix-futures/http';
import { frontOf, type Path } from '../proxy-config/front.ts';

/**
 * Requests by which the doctor sees that nothing of the gateway's ends elsewhere: one for every path and parameter of
 * the API, and the same in spellings that homeservers read alike and no client uses. None of them can do anything: they
 * are made with the token of nobody, about a room that does not exist.
 */
export function probesOf(endpoints: readonly Endpoint[]): SetUp['probes'] {
  const { inRooms, parameters } = frontOf(endpoints);
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
      parameters.flatMap((name) => spellings(name).map((spelled) => probe('PUT', path, spelled))),
    ),
    ...inRooms.flatMap((path) =>
      otherWays(path).map((target): Probe => ({ method: 'PUT', target: `${target}/${type}/doctor` })),
    ),
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

/** Ways to write a path below a room under which some homeserver may know it. */
function otherWays(path: Path): readonly string[] {
  const parts = path.map((part) => part ?? '!doctor%3Ainvalid');
  const [first = '', ...others] = parts;
  const last = others.at(-1) ?? '';
  return [
    `${client}/api/v1/${parts.join('/')}`,
    `${client}/unstable/${parts.join('/')}`,
    `${client}/v3/${parts.join('//')}`,
    `${client}/v3/${[first, ...others.slice(0, -1), encode(last, (_, index) => index === 0)].join('/')}`,
    `${client}/v3/${[encode(first, (_, index) => index === 0), ...others].join('/')}`,
  ];
}

function encode(text: string, which: (character: string, index: number) => boolean): string {
  return Array.from(text, (character, index) =>
    which(character, index) ? `%${character.charCodeAt(0).toString(16).toUpperCase()}` : character,
  ).join('');
}
