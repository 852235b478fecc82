export { openDatabase } from './database.ts';
export type { Database, DatabaseOptions } from './database.ts';
export { DataDirectoryInUse, DataDirectoryUnusable, lockDataDirectory } from './directory-lock.ts';
export { SchemaTooNew } from './migration.ts';
export type { Migration } from './migration.ts';
export type { Changes, Statement } from './statement.ts';
export type { Timers } from './transaction.ts';
export { TurnLost } from './turn.ts';
export type { Turn } from './turn.ts';
