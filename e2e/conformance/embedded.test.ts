import { localHomeserverConformance, remoteHomeserverConformance } from '@matrix-futures/engine/conformance';
import { openLocally, openRemotely } from './embedded-homeserver.ts';

localHomeserverConformance('The embedded homeserver', openLocally);
remoteHomeserverConformance('The embedded homeserver', () => openRemotely(null));
const manners = ['synapse', 'dendrite', 'tuwunel', 'continuwuity', 'palpo'] as const;
for (const manner of manners)
  remoteHomeserverConformance(`The embedded homeserver in the manner of ${manner}`, () =>
    openRemotely(manner),
  );
