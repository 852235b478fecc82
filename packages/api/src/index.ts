export { type Api, apiEndpoints, type ApiOptions, delayingParameters } from './api-endpoints.ts';
export type { PlainSend } from './futures/batch.ts';
export { storeError } from './refusals.ts';
