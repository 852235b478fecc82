import type { Front, Path } from './front.ts';

/**
 * Regular expressions over a URL as it came, for proxies that match before they decode. Written so that PCRE and Go
 * read them alike, and without backslashes and quotes, which each configuration file takes in its own way.
 */
export interface Patterns {
  /** Each with what it is, for people. */
  readonly delaying: readonly Pattern[];
  readonly versions: Pattern;
  readonly capabilities: Pattern;
  /** what homeservers call, and nobody else */
  readonly appService: Pattern;
  /** what other homeservers call */
  readonly federation: Pattern;
  /** the slash, the parts of paths that are followed by a secret, and what parts them from it */
  readonly beforeSecret: string;
}

export interface Pattern {
  readonly what: string;
  readonly regex: string;
}

/**
 * One character as it stands, or percent-encoded: what homeservers decode must be recognised before.
 * @param text of the characters that names in URLs are made of
 */
export function inAnyEncoding(text: string): string {
  return Array.from(text, (character) => {
    const literal = /\w/.test(character) ? character : `[${character}]`;
    const hex = character.charCodeAt(0).toString(16).toUpperCase();
    return `(?:${literal}|%${hex.replaceAll(/[A-F]/g, (letter) => `[${letter}${letter.toLowerCase()}]`)})`;
  }).join('');
}

const anyPart = '[^/?]+';
/** Homeservers see more than one slash as one, or as no path of theirs. */
const slash = '/+';
const end = '(?:[/?;#]|$)';

const partOf = (part: string | null): string => (part === null ? anyPart : inAnyEncoding(part));
const regexOf = (path: Path): string => `^[^?]*/${path.map(partOf).join(slash)}${end}`;
const textOf = (path: Path): string => path.map((part) => part ?? '…').join('/');
const ofPath = (path: Path, what = textOf(path)): Pattern => ({ what, regex: regexOf(path) });

export function patternsOf(front: Front): Patterns {
  return {
    delaying: [
      ...front.inRooms.map((path) => ofPath(path)),
      ...front.others.map((path) => ofPath(path)),
      ...shortest(front.parameters).map((name) => ({
        what: `?${name}`,
        regex: `[?].*${inAnyEncoding(name)}`,
      })),
      {
        what: 'parts of one or two dots, which homeservers resolve each in its way',
        regex: `^[^?]*/(?:[.]|%2[Ee])(?:[.]|%2[Ee])?${end}`,
      },
    ],
    versions: ofPath(['_matrix', 'client', 'versions']),
    capabilities: {
      what: 'capabilities',
      regex: `^[^?]*/(?:${inAnyEncoding('v3')}|${inAnyEncoding('r0')})${slash}${inAnyEncoding('capabilities')}${end}`,
    },
    appService: ofPath(['_matrix', 'app']),
    federation: {
      what: 'other homeservers: no client, and no future, is concerned',
      regex: '^/_matrix/(?:federation|key)/',
    },
    beforeSecret: `/(?:${front.beforeSecrets.map(inAnyEncoding).join('|')})${slash}`,
  };
}

/** A name that contains another needs no pattern of its own: the other's finds it. */
function shortest(names: readonly string[]): readonly string[] {
  return names.filter((name) => !names.some((other) => other !== name && name.includes(other)));
}
