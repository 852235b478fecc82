import { execFileSync } from 'node:child_process';

/**
 * A disk that is full for one process: no file of it may have, or get, a single byte more (`RLIMIT_FSIZE`, the soft
 * limit, which needs no rights and can be lifted again). Node ignores the signal, so writes fail, as they do on a full
 * disk.
 */
export function fillDisk(pid: number): void {
  execFileSync('prlimit', ['--pid', String(pid), '--fsize=0:']);
}

export function freeDisk(pid: number): void {
  execFileSync('prlimit', ['--pid', String(pid), '--fsize=unlimited:']);
}

/** Linux has the command; macOS has neither it nor another way. */
export const canFillDisk = process.platform === 'linux';
