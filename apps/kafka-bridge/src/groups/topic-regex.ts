import type { RE2JS } from 're2js';

/** Longest regular expression of a subscription. */
export const REGEX_CHARACTERS_MAX = 4_096;
/**
 * Largest compiled expression, in instructions. Matching takes time in proportion to it and to the name: at this size the
 * longest name takes about 0.1 s in the worst case, and like ones after it next to nothing (an ordinary expression, of some
 * ten instructions, takes 1 µs).
 */
export const REGEX_INSTRUCTIONS_MAX = 1_000;

/** An expression of a subscription, compiled. */
export interface TopicRegex {
  readonly matches: (name: string) => boolean;
}

/**
 * Compiles an expression in the syntax of RE2, as Kafka does: no look-around, no back references, and so no expression whose
 * matching takes more than linear time. Answers why not as a string.
 */
export async function compileTopicRegex(pattern: string): Promise<TopicRegex | string> {
  if (pattern.length > REGEX_CHARACTERS_MAX)
    return `it has ${pattern.length} characters, at most ${REGEX_CHARACTERS_MAX} are taken`;
  // Loaded when the first expression comes: most processes never see one.
  const { RE2JS, RE2JSException } = await import('re2js');
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (error) {
    if (error instanceof RE2JSException) return error.message.replace(/^error parsing regexp: /, '');
    throw error;
  }
  const instructions = compiled.programSize();
  if (instructions > REGEX_INSTRUCTIONS_MAX)
    return `it compiles to ${instructions} instructions, at most ${REGEX_INSTRUCTIONS_MAX} are taken`;
  return { matches: (name) => compiled.matches(name) };
}
