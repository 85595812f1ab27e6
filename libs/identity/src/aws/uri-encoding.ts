/**
 * Percent-encoding by AWS's rule: everything but `A-Z a-z 0-9 - . _ ~` becomes `%XX` in capitals, byte by byte.
 *
 * Text is as node hands it over from the wire: one character a byte (latin1). Text with larger characters, which no wire
 * delivers, is taken as UTF-8.
 */
const UNRESERVED_OR_SLASH = /^[A-Za-z0-9\-._~/]*$/;
const UNRESERVED = /^[A-Za-z0-9\-._~]*$/;
const BEYOND_BYTES = /[^\x00-\xff]/;
const SLASH = 0x2f;

const encodedBytes: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  return UNRESERVED.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
});

/** A query's name or value. */
export function encodeUriComponent(text: string): string {
  return UNRESERVED.test(text) ? text : encode(text, false);
}

/** A path: its slashes stay. */
export function encodeUriPath(text: string): string {
  return UNRESERVED_OR_SLASH.test(text) ? text : encode(text, true);
}

function encode(text: string, keepSlash: boolean): string {
  let encoded = '';
  for (const byte of Buffer.from(text, BEYOND_BYTES.test(text) ? 'utf8' : 'latin1')) {
    encoded += keepSlash && byte === SLASH ? '/' : encodedBytes[byte];
  }
  return encoded;
}

const ESCAPE = /%([0-9A-Fa-f]{2})/g;

/**
 * A query's name or value, decoded to one character a byte; a plus is a space. What is no escape (`%zz`) stays as it is:
 * it is signed like any other text, and so hardly by the same signature.
 */
export function decodeUriComponent(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  return spaced.includes('%')
    ? spaced.replace(ESCAPE, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : spaced;
}
