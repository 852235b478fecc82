/**
 * The names of this generation while it is unstable. The text (6 June 2024, "Unstable prefix") writes 3140 where its
 * own number is 4140, and clients of those weeks used the other organisation's prefix, too.
 */
export const features = ['io.element.msc3140', 'io.element.msc4140', 'org.matrix.msc4140'] as const;

/** Flags of `/versions`. The last of the names stands there for what delays by a parameter, which clients of today ask. */
export const flags = ['io.element.msc3140', 'io.element.msc4140'] as const;

const unstablePrefixes = features.map((feature) => `${feature}.`);

/** A query parameter in all its spellings, the stable one first. */
export function parameterSpellings(name: string): readonly string[] {
  return ['', ...unstablePrefixes].map((prefix) => prefix + name);
}

/** A member of a batch's body in all its spellings (text of 6 June 2024, "EventId template variable": `m.`). */
export function memberSpellings(name: string): readonly string[] {
  return ['', 'm.', ...unstablePrefixes].map((prefix) => prefix + name);
}
