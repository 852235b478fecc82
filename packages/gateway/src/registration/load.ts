import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegistrations, RegistrationError } from './read.ts';
import { fileOf, type RegistrationName, registrationNames, type Registrations } from './registration.ts';

/** Both registrations, as they were found in their directory. */
export interface LoadedRegistrations {
  readonly registrations: Registrations;
  /** for whoever runs the server, a line each: what works, and should not be left so */
  readonly warnings: readonly string[];
}

/**
 * Reads the two files that `matrix-futures registration` has written into a directory.
 * @throws RegistrationError where one of them is missing, cannot be read, or makes no sense
 */
export async function loadRegistrations(directory: string): Promise<LoadedRegistrations> {
  const [puppet, listener] = await Promise.all([
    loadOne(directory, 'puppet'),
    loadOne(directory, 'listener'),
  ]);
  return {
    registrations: readRegistrations({ puppet: puppet.text, listener: listener.text }),
    warnings: [...puppet.warnings, ...listener.warnings],
  };
}

const readableByAnybody = 0o004;
const writableByOthers = 0o022;

interface LoadedFile {
  readonly text: string;
  readonly warnings: readonly string[];
}

async function loadOne(directory: string, name: RegistrationName): Promise<LoadedFile> {
  const path = join(directory, fileOf(name));
  try {
    await using file = await open(path);
    const { mode } = await file.stat();
    const warnings = [
      ...((mode & readableByAnybody) === 0
        ? []
        : [`${path} can be read by every user of this machine, and holds tokens: chmod o-rwx ${path}`]),
      ...((mode & writableByOthers) === 0
        ? []
        : [`${path} can be changed by others than its owner: chmod go-w ${path}`]),
    ];
    return { text: await file.readFile('utf8'), warnings };
  } catch (error) {
    throw new RegistrationError(explain(path, error), { cause: error });
  }
}

function explain(path: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === 'ENOENT')
    return `${path} is missing; "matrix-futures registration --out DIRECTORY" writes ${registrationNames.map(fileOf).join(' and ')}`;
  if (code === 'EACCES') return `${path} cannot be read by the user that runs this`;
  return `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
