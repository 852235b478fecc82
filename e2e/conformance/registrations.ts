import { makeRegistrations, readRegistrations, type Registrations } from '@matrix-futures/gateway';
import { randomBytes } from 'node:crypto';

/** What a homeserver is told of a gateway: as text, as the files have it, and as the gateway reads it. */
export interface Told {
  readonly texts: Readonly<Record<'puppet' | 'listener', string>>;
  readonly registrations: Registrations;
}

/** @param listenerUrl where the homeserver is to push to; where nobody is, it pushes in vain */
export function tell(serverName: string, listenerUrl = 'http://127.0.0.1:9'): Told {
  const texts = makeRegistrations({ serverName, listenerUrl, puppetHasUrl: false }, { bytes: randomBytes });
  return { texts, registrations: readRegistrations(texts) };
}
