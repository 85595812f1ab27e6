/**
 * UTF-8 in and out. Names and keys are short and nearly always ASCII; up to these lengths a loop in JavaScript
 * (10 ns for eight characters) costs less than the call into the runtime (60 to 120 ns).
 */
const READ_BYTES_MAX = 12;
const WRITTEN_LENGTH_MAX = 24;

/** The text between `start` and `end`; what is no UTF-8 becomes U+FFFD, as in Java. */
export function readText(source: Buffer, start: number, end: number): string {
  if (end - start > READ_BYTES_MAX) return source.toString('utf8', start, end);
  let text = '';
  for (let i = start; i < end; i++) {
    const code = source[i] as number;
    if (code > 0x7f) return source.toString('utf8', start, end);
    text += String.fromCharCode(code);
  }
  return text;
}

/** How many bytes the text takes. */
export function textBytes(text: string): number {
  const length = text.length;
  if (length > WRITTEN_LENGTH_MAX) return Buffer.byteLength(text);
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text);
  return length;
}

/** Writes the text at `position`, where the caller has made room for it; returns how many bytes it took. */
export function writeText(target: Buffer, position: number, text: string): number {
  const length = text.length;
  if (length > WRITTEN_LENGTH_MAX) return target.write(text, position, 'utf8');
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return target.write(text, position, 'utf8');
    target[position + i] = code;
  }
  return length;
}
