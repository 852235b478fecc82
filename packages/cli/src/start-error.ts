import { RegistrationError } from '@matrix-futures/gateway';
import { BadRegistration, WrongServerName } from '@matrix-futures/homeserver';
import { DataDirectoryInUse, DataDirectoryUnusable, SchemaTooNew } from '@matrix-futures/sqlite';
import { ConfigError } from './config/sources.ts';

/** The server cannot start as it is asked to; the message is one line for whoever asked. */
export class StartError extends Error {
  override readonly name = 'StartError';

  /** What the system said, with what it was about; an error that already says it is left as it is. */
  static from(about: string, cause: unknown): Error {
    if (cause instanceof Error && explainStartError(cause) !== null) return cause;
    return new StartError(`${about}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

const expected = [
  StartError,
  ConfigError,
  DataDirectoryInUse,
  DataDirectoryUnusable,
  SchemaTooNew,
  WrongServerName,
  BadRegistration,
  RegistrationError,
];

/** What to tell whoever started the server; null: this is a defect, and nothing they did. */
export function explainStartError(error: unknown): string | null {
  return error instanceof Error && expected.some((kind) => error instanceof kind) ? error.message : null;
}
