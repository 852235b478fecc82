import { localHomeserverConformance, remoteHomeserverConformance } from '@matrix-futures/engine/conformance';
import { quirkProfiles } from '@matrix-futures/homeserver';
import { openLocally, openRemotely } from './embedded-homeserver.ts';

localHomeserverConformance('The embedded homeserver', openLocally);
remoteHomeserverConformance('The embedded homeserver', () => openRemotely(null));
for (const [name, quirks] of Object.entries(quirkProfiles))
  remoteHomeserverConformance(`The embedded homeserver in the manner of ${name}`, () => openRemotely(quirks));
