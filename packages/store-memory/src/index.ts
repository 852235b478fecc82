export * from './memory-store.ts';
export type { Image } from './tables.ts';
