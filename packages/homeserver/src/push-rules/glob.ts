/**
 * Glob patterns as push rules have them: `*` is any run of characters, `?` any one, case does not count. A pattern is
 * stepped through the value with all its places at once: whatever pattern a user stores, a match takes at most (length
 * of pattern × length of value) steps, where a regular expression made of it could backtrack for minutes.
 */
export function globMatches(pattern: string, value: string): boolean {
  if (!isGlob(pattern)) return pattern.toLowerCase() === value.toLowerCase();
  return stepThrough(pattern, value, 'whole');
}

/**
 * Does the pattern match a part of the value that starts and ends at a word boundary: the value's start or end, or a
 * character outside of `[A-Za-z0-9_]`? (Matrix specification, condition `event_match` on `content.body`.)
 */
export function globMatchesWords(pattern: string, value: string): boolean {
  return isGlob(pattern) ? stepThrough(pattern, value, 'words') : containsWords(value, pattern);
}

/** As `globMatchesWords`, with a text that is taken as it is. */
export function containsWords(value: string, words: string): boolean {
  const text = value.toLowerCase();
  const wanted = words.toLowerCase();
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + 1)) {
    if (!isWord(text[at - 1]) && !isWord(text[at + wanted.length])) return true;
  }
  return false;
}

function stepThrough(pattern: string, value: string, extent: 'whole' | 'words'): boolean {
  const glob = [...pattern.toLowerCase()];
  const text = [...value.toLowerCase()];
  let places = enter(glob, 0, new Set());
  for (const [at, character] of text.entries()) {
    if (extent === 'words' && !isWord(character) && places.has(glob.length)) return true;
    if (extent === 'words' && !isWord(text[at - 1])) enter(glob, 0, places);
    const next = new Set<number>();
    for (const place of places) {
      const expected = glob[place];
      if (expected === '*') enter(glob, place, next);
      else if (expected === '?' || expected === character) enter(glob, place + 1, next);
    }
    places = next;
  }
  return places.has(glob.length);
}

/** A place before a `*` is also the place behind it: the run may be empty. */
function enter(glob: readonly string[], place: number, places: Set<number>): Set<number> {
  places.add(place);
  for (let at = place; glob[at] === '*'; at += 1) places.add(at + 1);
  return places;
}

function isGlob(pattern: string): boolean {
  return pattern.includes('*') || pattern.includes('?');
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /^[a-z0-9_]$/i.test(character);
}
