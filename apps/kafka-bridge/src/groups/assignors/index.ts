import type { Assignor } from './assignor.ts';
import { assignRange } from './range-assignor.ts';
import { assignUniform } from './uniform-assignor.ts';

/** The assignors of consumer groups by their names; the first is the default. */
export const ASSIGNORS: ReadonlyMap<string, Assignor> = new Map([
  ['uniform', assignUniform],
  ['range', assignRange],
]);

export const DEFAULT_ASSIGNOR = 'uniform';
