import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const OPERATIONS = join(import.meta.dirname, '..', '..', 'src', 'aws', 'operations');

/** `UpdateShardCount` → `update-shard-count` */
export function fileOf(operationName: string): string {
  return operationName.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).slice(1);
}

export function pathOf(operationName: string, ending: string): string {
  return join(OPERATIONS, `${fileOf(operationName)}${ending}`);
}

/** What the header of an operation's file says: its sentence, and the exceptions by their numbers. */
export function documentedErrors(operationName: string): {
  readonly sentence: string;
  readonly exceptions: ReadonlyMap<number, string>;
} {
  const source = readFileSync(pathOf(operationName, '.ts'), 'utf8');
  const header = [...source.matchAll(/\/\*\*([^]*?)\*\//g)].find(([, text]) => text?.includes(` ${operationName}: `));
  if (header === undefined) throw new Error(`the file of ${operationName} has no header`);
  const text = (header[1] as string).replaceAll(/\n \* ?/g, ' ').trim();
  const sentence = text.slice(text.indexOf(':') + 1, text.indexOf('https://')).trim();
  const exceptions = [...text.matchAll(/(?:^| )(\d+) ([A-Z]\w*(?:Exception|Failure))\b/g)].map(
    ([, number, exception]) => [Number(number), exception as string] as const,
  );
  return { sentence, exceptions: new Map(exceptions) };
}
