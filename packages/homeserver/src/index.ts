export {
  BadRegistration,
  parseRegistration,
  type Registration,
} from './application-services/registration.ts';
export { openHomeserver } from './homeserver.ts';
export type { EmbeddedHomeserver, HomeserverOptions } from './embedded-homeserver.ts';
export { quirkProfiles, type QuirkProfile } from './quirks/profiles.ts';
export { noQuirks, type Quirks } from './quirks/quirks.ts';
export { WrongServerName } from './identity.ts';
export type { NewStateListener } from './rooms/append.ts';
export { translateStorageError } from './storage-error.ts';
