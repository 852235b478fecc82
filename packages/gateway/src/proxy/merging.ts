import Type from 'typebox';
import { Compile } from 'typebox/compile';

const someObject = Compile(Type.Record(Type.String(), Type.Unknown()));

/** Reads the JSON object that a homeserver answered; null: it is none. */
export function readObject(bytes: Uint8Array): Members | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return objectOrNull(value);
  } catch {
    return null;
  }
}

export type Members = Readonly<Record<string, unknown>>;

/** What is said in a member of an answer, in our words where it speaks of our subject. */
export interface Merge {
  readonly member: string;
  /** names within the member that only we speak of */
  readonly foreign: RegExp;
  /** what we say: asked at every request */
  readonly ours: () => Members;
}

/** The answer with what we say in place of what the homeserver says of the same subject. */
export function merge(answer: Members, { member, foreign, ours }: Merge): Members {
  const theirs = Object.entries(objectOrNull(answer[member]) ?? {}).filter(([name]) => !foreign.test(name));
  return { ...answer, [member]: { ...Object.fromEntries(theirs), ...ours() } };
}

function objectOrNull(value: unknown): Members | null {
  return someObject.Check(value) && !Array.isArray(value) ? value : null;
}
