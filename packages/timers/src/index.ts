export * from './wheel.ts';
