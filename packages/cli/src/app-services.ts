import { parseRegistration, type Registration } from '@matrix-futures/homeserver';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { StartError } from './start-error.ts';

/**
 * Reads the registrations of application services.
 * @param paths YAML files, and directories of which every YAML file is one
 * @throws StartError for what cannot be read, BadRegistration for what is no registration: each names the file
 */
export async function readAppServices(paths: readonly string[]): Promise<readonly Registration[]> {
  if (paths.length === 0) return [];
  const { parse } = await import('yaml');
  const read = async (file: string): Promise<unknown> => {
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw StartError.from('An application service cannot be read', error);
    });
    try {
      return parse(text);
    } catch {
      // What the parser says shows the line, and with it perhaps a token.
      throw new StartError(`${file} is not YAML`);
    }
  };
  const files = (await Promise.all(paths.map(filesAt))).flat();
  return Promise.all(files.map(async (file) => parseRegistration(await read(file), file)));
}

async function filesAt(path: string): Promise<readonly string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const names = await readdir(path);
    return names
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .map((name) => join(path, name));
  } catch (error) {
    throw StartError.from('An application service cannot be read', error);
  }
}
