import type { Effort } from './effort.ts';

/**
 * Glob patterns as push rules have them: `*` is any run of characters, `?` any one, case does not count. A pattern is
 * stepped through the value with all its places at once: whatever pattern a user stores, a match takes at most (length
 * of pattern × length of value) steps, where a regular expression made of it could backtrack for minutes. Where the
 * effort is spent, nothing matches.
 */
export function globMatches(pattern: string, value: string, effort: Effort): boolean {
  if (isGlob(pattern)) return stepThrough(pattern, value, 'whole', effort);
  return effort.spend(pattern.length) && pattern.toLowerCase() === value.toLowerCase();
}

/**
 * Does the pattern match a part of the value that starts and ends at a word boundary: the value's start or end, or a
 * character outside of `[A-Za-z0-9_]`? (Matrix specification, condition `event_match` on `content.body`.)
 */
export function globMatchesWords(pattern: string, value: string, effort: Effort): boolean {
  return isGlob(pattern)
    ? stepThrough(pattern, value, 'words', effort)
    : containsWords(value, pattern, effort);
}

/** To search for a text is that much cheaper a character than to step through a pattern. */
const searched = 16;

/** As `globMatchesWords`, with a text that is taken as it is. */
export function containsWords(value: string, words: string, effort: Effort): boolean {
  if (!effort.spend(1 + value.length / searched)) return false;
  const text = value.toLowerCase();
  const wanted = words.toLowerCase();
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) {
    if (!isWord(text[at - 1]) && !isWord(text[at + wanted.length])) return true;
    if (!effort.spend(wanted.length)) return false;
  }
  return false;
}

function stepThrough(pattern: string, value: string, extent: 'whole' | 'words', effort: Effort): boolean {
  if (!effort.spend(pattern.length + value.length)) return false;
  const glob = [...pattern.toLowerCase()];
  let places = new Places(glob);
  let next = new Places(glob);
  places.enter(0);
  let before: string | undefined;
  for (const character of value.toLowerCase()) {
    if (extent === 'words' && places.atEnd && !isWord(character)) return true;
    if (extent === 'words' && !isWord(before)) places.enter(0);
    if (!effort.spend(places.count)) return false;
    next.clear();
    for (let index = 0; index < places.count; index += 1) {
      const place = places.at(index);
      const expected = glob[place];
      if (expected === '*') next.enter(place);
      else if (expected === '?' || expected === character) next.enter(place + 1);
    }
    [places, next] = [next, places];
    before = character;
  }
  return places.atEnd;
}

/** Places in a pattern, each once. Behind a `*` is in it together with before it: the run may be empty. */
class Places {
  count = 0;
  readonly #glob: readonly string[];
  readonly #places: Uint16Array;
  readonly #isIn: Uint8Array;

  constructor(glob: readonly string[]) {
    this.#glob = glob;
    this.#places = new Uint16Array(glob.length + 1);
    this.#isIn = new Uint8Array(glob.length + 1);
  }

  get atEnd(): boolean {
    return this.#isIn[this.#glob.length] === 1;
  }

  at(index: number): number {
    return this.#places[index] ?? 0;
  }

  enter(first: number): void {
    for (let place = first; this.#isIn[place] === 0; place += 1) {
      this.#isIn[place] = 1;
      this.#places[this.count] = place;
      this.count += 1;
      if (this.#glob[place] !== '*') return;
    }
  }

  clear(): void {
    for (let index = 0; index < this.count; index += 1) this.#isIn[this.at(index)] = 0;
    this.count = 0;
  }
}

function isGlob(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?');
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /^[a-z0-9_]$/i.test(character);
}
