import { MatrixError } from '@matrix-futures/http';
import {
  createIdentities,
  type Identities,
  type IdentityParts,
} from '../application-services/authenticate.ts';
import { covers } from '../application-services/services.ts';
import type { Quirks } from './quirks.ts';

/** Lets services act as users the way that the server with these quirks does. */
export function createOddIdentities(quirks: Quirks, parts: IdentityParts): Identities {
  const { turn, accounts, devices, wall } = parts;
  const own = createIdentities(parts);
  return {
    async requireUser(service, user) {
      const isCovered = covers(service, user);
      if (!isCovered && quirks.foreignUsers === 'unknown-token') {
        throw new MatrixError('unknownToken', 'Unknown token', { soft_logout: false });
      }
      if (isCovered && quirks.unregisteredUsers === 'made') {
        await turn.unit(() => {
          if (accounts.find(user) !== undefined) return;
          accounts.create({ userId: user, password: null, isAdmin: false }, wall());
        });
      }
      await own.requireUser(service, user);
    },
    async deviceOf(user, asked) {
      if (asked === null || quirks.devices === 'ignored') return quirks.serviceDevice;
      if (quirks.devices === 'made') {
        await turn.unit(() => devices.put(user, { deviceId: asked, displayName: null }, wall()));
      }
      return own.deviceOf(user, asked);
    },
  };
}
