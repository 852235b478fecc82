import { installSynapse } from './synapse-install.ts';

/** Runs once before all tests, so that none of them waits for the installation, or fails in its place. */
export async function setup(): Promise<void> {
  await installSynapse();
}
