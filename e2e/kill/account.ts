import { type AskedFuture, marksOf, type Operation, type Seen } from './operation.ts';

/**
 * What one group was asked for and what was seen of it, a line each. Times are milliseconds since its first request;
 * the last line says how far the timeline goes, since what came later cannot have been seen.
 */
export function accountOf(group: string, sequence: readonly Operation[], timeline: readonly Seen[]): string {
  const [{ sent: began } = { sent: 0 }] = sequence;
  const since = (at: number): string => `${(at - began).toFixed(1)} ms`;
  const marks = new Set(sequence.flatMap(marksOf));
  return [
    `${group}:`,
    ...sequence.map((one) => `  ${since(one.sent)}: ${askedBy(one)} → ${answeredTo(one, since)}`),
    ...timeline
      .filter(({ mark }) => marks.has(mark))
      .map(({ mark, event, at }) => `  ${since(at)}: ${mark} is seen as ${event}`),
    `  ${since(timeline.reduce((last, { at }) => Math.max(last, at), began))}: the last that was seen of any group`,
  ].join('\n');
}

function askedBy({ kind, mark, futures, sendNow }: Operation): string {
  const parts = [...futures.map(described), ...(sendNow === null ? [] : [`${sendNow} at once`])];
  return `${kind} ${parts.length === 0 ? mark : parts.join(', ')}`;
}

function described({ mark, timeout, isState }: AskedFuture): string {
  return `${mark} (${timeout === null ? 'action' : `${timeout} ms`}${isState ? ', state' : ''})`;
}

function answeredTo({ answer }: Operation, since: (at: number) => string): string {
  return answer === null ? 'no answer' : `${answer.status} at ${since(answer.at)}`;
}
