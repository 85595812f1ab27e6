/**
 * Matches text against a policy's pattern: `*` stands for any run of characters, also none and also `:` and `/`; `?` for
 * exactly one.
 */
export type Matcher = (text: string) => boolean;

export function compileWildcard(pattern: string): Matcher {
  const wild = pattern.search(/[*?]/);
  if (wild === -1) return (text) => text === pattern;
  if (/^\*+$/.test(pattern)) return () => true;
  if (wild === pattern.length - 1 && pattern.endsWith('*')) {
    const prefix = pattern.slice(0, -1);
    return (text) => text.startsWith(prefix);
  }
  return (text) => matches(pattern, text);
}

/**
 * Goes on from the last star only, so that it takes at most pattern × text steps: a regular expression of many stars would
 * try every split of the text.
 */
function matches(pattern: string, text: string): boolean {
  let at = 0;
  let starAt = -1;
  let starText = 0;
  for (let i = 0; i < text.length;) {
    const character = pattern[at];
    if (character === '*') {
      starAt = at++;
      starText = i;
    } else if (character === '?' || character === text[i]) {
      at++;
      i++;
    } else if (starAt !== -1) {
      // The star takes one character more.
      at = starAt + 1;
      i = ++starText;
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
