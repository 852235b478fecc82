import { fileOf, type RegistrationName, registrationNames } from '@matrix-futures/gateway';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StartError } from '../start-error.ts';

export interface WriteOptions {
  /** made if it is missing */
  readonly directory: string;
  /** The group of the files may read them, too. */
  readonly forGroup: boolean;
  /** Replaces what is there, which is refused otherwise. */
  readonly rotate: boolean;
}

export interface WrittenRegistrations {
  readonly paths: Readonly<Record<RegistrationName, string>>;
  /** They took the place of others. */
  readonly replaced: boolean;
}

/**
 * Writes both registrations; each is there whole or not at all. Where they replace others, owner, group and what the
 * group may do stay as they were: the homeserver must go on reading them.
 * @throws StartError
 */
export async function writeRegistrations(
  texts: Readonly<Record<RegistrationName, string>>,
  { directory, forGroup, rotate }: WriteOptions,
): Promise<WrittenRegistrations> {
  const paths = { puppet: join(directory, fileOf('puppet')), listener: join(directory, fileOf('listener')) };
  try {
    await makeDirectory(directory, forGroup);
    const before = await Promise.all(registrationNames.map((name) => ownership(paths[name])));
    const [taken] = registrationNames.filter((_, index) => before[index] !== null);
    if (taken !== undefined && !rotate)
      throw new StartError(
        `${paths[taken]} is there already, and the homeserver may know its tokens; --rotate replaces them.`,
      );
    const mode = forGroup ? 0o640 : 0o600;
    const drafts = registrationNames.map((name) => join(directory, `.${name}.new`));
    await Promise.all(
      registrationNames.map((name, index) =>
        writeDraft(drafts[index] ?? '', texts[name], mode, before[index] ?? null),
      ),
    );
    await Promise.all(registrationNames.map((name, index) => rename(drafts[index] ?? '', paths[name])));
    return { paths, replaced: taken !== undefined };
  } catch (error) {
    throw StartError.from(`The registrations cannot be written to ${directory}`, error);
  }
}

async function makeDirectory(directory: string, forGroup: boolean): Promise<void> {
  const made = await mkdir(directory, { recursive: true, mode: forGroup ? 0o750 : 0o700 });
  if (made !== undefined) return;
  const { mode } = await stat(directory);
  if ((mode & 0o002) !== 0)
    throw new StartError(
      `Every user of this machine can change files in ${directory}; choose another, or: chmod o-w ${directory}`,
    );
}

interface Ownership {
  readonly uid: number;
  readonly gid: number;
  readonly groupReads: boolean;
}

async function ownership(path: string): Promise<Ownership | null> {
  try {
    const { uid, gid, mode } = await stat(path);
    return { uid, gid, groupReads: (mode & 0o040) !== 0 };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

async function writeDraft(path: string, text: string, mode: number, before: Ownership | null): Promise<void> {
  await rm(path, { force: true });
  await using file: FileHandle = await open(path, 'wx', 0o600);
  await file.writeFile(text);
  // The umask may have taken from the mode, and an owner is set before anybody else may read.
  if (before !== null) await file.chown(before.uid, before.gid);
  await file.chmod(before?.groupReads === true ? 0o640 : mode);
  await file.sync();
}
