import { cpus, totalmem } from 'node:os';

/** One figure of a benchmark. */
export interface Figure {
  readonly name: string;
  readonly value: string;
  /** what it is held against, and whether it is met; null: nothing */
  readonly target: string | null;
  readonly met: boolean | null;
}

export function figure(
  name: string,
  value: string,
  target: string | null = null,
  met: boolean | null = null,
): Figure {
  return { name, value, target, met };
}

export function machine(): string {
  const processors = cpus();
  return [
    `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `${process.platform} ${process.arch}`,
    `Node ${process.versions.node}`,
    `SQLite ${process.versions.sqlite ?? ''}`.trim(),
  ].join(', ');
}

export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, target, met }) => [
    name,
    value,
    target ?? '',
    met === null ? '' : met ? 'met' : 'missed',
  ]);
  return [['what', 'measured', 'target', ''], ['---', '---', '---', '---'], ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
