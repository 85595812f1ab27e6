import { isDeepStrictEqual } from 'node:util';
import { expect } from '@jest/globals';
import { MalformedFrame } from '../codec/malformed-frame.ts';

/** What a reader makes of bytes: a value or a refusal. Anything else that it throws is a bug, and passed on. */
export function outcomeOf(read: () => unknown): 'value' | 'refused' {
  try {
    read();
    return 'value';
  } catch (error) {
    if (error instanceof MalformedFrame) return 'refused';
    throw error;
  }
}

/** As `toStrictEqual`, which takes a millisecond for what this does in a few microseconds; it only explains a difference. */
export function expectSame(actual: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(actual, wanted)) {
    expect(actual).toStrictEqual(wanted);
    throw new Error('two values differ, and jest cannot tell where');
  }
}
