/**
 * What every implementation of the homeserver's port must do, as tests that anybody can run on theirs. How things really
 * stand is asked by the homeserver's own client-server API, never by the port.
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { acceptingRules } from './accepting.ts';
import { refusingRules } from './refusing.ts';
import { makeScene, type RemoteScene, type Scene } from './scene.ts';
import { remoteRules } from './remote.ts';
import type { LocalUnderTest, RemoteUnderTest } from './under-test.ts';

export type {
  Connection,
  HomeserverUnderTest,
  LocalUnderTest,
  Login,
  RemoteUnderTest,
} from './under-test.ts';

/** Declares the tests of a homeserver inside, in a `describe` of that name. All of them share what `open` gives. */
export function localHomeserverConformance(name: string, open: () => Promise<LocalUnderTest>): void {
  describe(`${name} conforms to the port of a homeserver inside`, () => {
    const scene = opened<Scene>(async (stack) => makeScene(stack.use(await open()), null));
    rulesOfBoth(scene);
  });
}

/** Declares the tests of a homeserver that is elsewhere. */
export function remoteHomeserverConformance(name: string, open: () => Promise<RemoteUnderTest>): void {
  describe(`${name} conforms to the port of a homeserver elsewhere`, () => {
    const scene = opened<RemoteScene>(async (stack) => {
      const homeserver = stack.use(await open());
      const connection = stack.use(await homeserver.connect());
      return { ...(await makeScene(homeserver, connection)), homeserver, port: connection.port };
    });
    rulesOfBoth(scene);
    remoteRules(scene);
  });
}

function rulesOfBoth(scene: () => Scene): void {
  acceptingRules(scene);
  refusingRules(scene);
}

/** For one `describe`. */
function opened<S>(open: (stack: AsyncDisposableStack) => Promise<S>): () => S {
  const stack = new AsyncDisposableStack();
  let scene: S | null = null;
  beforeAll(async () => {
    scene = await open(stack);
  });
  afterAll(() => stack.disposeAsync());
  return () => {
    if (scene === null) throw new Error('not open');
    return scene;
  };
}
