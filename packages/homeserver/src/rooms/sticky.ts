import type { DraftExtras, Ms } from '@matrix-futures/engine';
import { MatrixError } from '@matrix-futures/http';
import Type from 'typebox';

const parameter = 'org.matrix.msc4354.sticky_duration_ms';
const longest: Ms = 3_600_000;

/** The query parameter of the plain endpoints that makes an event stick (MSC4354). */
export const stickyQuery = { [parameter]: Type.Optional(Type.String()) };

/** @throws MatrixError 400 `M_INVALID_PARAM` */
export function stickyExtras(query: { readonly [parameter]?: string }): DraftExtras {
  const text = query[parameter];
  if (text === undefined) return {};
  if (!/^\d{1,7}$/.test(text) || Number(text) > longest) {
    throw new MatrixError('invalidParam', `${parameter} is a whole number of milliseconds up to ${longest}.`);
  }
  return { stickyDurationMs: Number(text) };
}
