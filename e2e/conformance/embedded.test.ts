import { localHomeserverConformance, remoteHomeserverConformance } from '@matrix-futures/engine/conformance';
import { openLocally, openRemotely } from './embedded-homeserver.ts';

localHomeserverConformance('The embedded homeserver', openLocally);
remoteHomeserverConformance(
  'The embedded homeserver behind a gateway that knows nothing of it',
  openRemotely,
);
