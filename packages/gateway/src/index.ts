export type { Finding } from './doctor/check.ts';
export { type Examined, examine, type Instruments, type SetUp } from './doctor/examination.ts';
export type { Probe } from './doctor/front.ts';
export { gatewayHeader } from './doctor/gateway-header.ts';
export { type Gateway, type GatewayOptions, openGateway } from './gateway.ts';
export { type HomeserverKind, type KindName, kinds } from './kinds/kind.ts';
export type { Listening } from './listener/listener.ts';
export { createProxy, type Proxy, type ProxyOptions } from './proxy/proxy.ts';
export type { Front } from './proxy/front.ts';
export { type LoadedRegistrations, loadRegistrations } from './registration/load.ts';
export { makeRegistrations, type RegistrationOptions } from './registration/make.ts';
export { readRegistrations, RegistrationError } from './registration/read.ts';
export {
  fileOf,
  type Registration,
  type RegistrationName,
  registrationNames,
  type Registrations,
} from './registration/registration.ts';
