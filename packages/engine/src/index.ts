export * from './clock.ts';
export * from './event.ts';
export * from './future.ts';
export * from './group.ts';
export * from './store.ts';
export * from './homeserver.ts';
