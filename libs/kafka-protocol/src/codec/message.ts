import type { DraftOf, Fields, StructOf } from './field.ts';
import type { Reader } from './compile-reader.ts';
import type { Writer } from './compile-writer.ts';

export interface MessageOptions<F extends Fields> {
  /** `FetchRequest`; also what errors call it. */
  readonly name: string;
  /** API key; absent for data that travels inside other fields. */
  readonly key?: number;
  /** First and last version that this declaration covers. */
  readonly versions: readonly [first: number, last: number];
  /** First version with compact lengths and tagged sections; absent where there is none. */
  readonly flexibleFrom?: number;
  /** First version that Kafka itself does not yet advertise. */
  readonly unstableFrom?: number;
  /** First version in the ApiVersions answer, where it is not the first that works. */
  readonly advertisedFrom?: number;
  /** In the order of the wire. */
  readonly fields: F;
}

/** A declared message, with its readers and writers as they are compiled at first use. */
export interface Message<F extends Fields = Fields> extends MessageOptions<F> {
  /** By version. Filled by `readerOf` and `writerOf`; nobody else writes here. */
  readonly readers: (Reader | undefined)[];
  readonly writers: (Writer | undefined)[];
}

/** What decoding returns: every field of the declaration, whichever version was read. */
export type Of<M extends Message> = M extends Message<infer F> ? StructOf<F> : never;

/** What encoding accepts: as `Of`, but fields that have a default may be left out, and records may be given in pieces. */
export type Draft<M extends Message> = M extends Message<infer F> ? DraftOf<F> : never;

const FIELD_NAME = /^[a-z][A-Za-z0-9]*$/;

/** Declare a message. Throws on names that could not be properties of the generated code. */
export function message<const F extends Fields>(options: MessageOptions<F>): Message<F> {
  checkNames(options.name, options.fields);
  return { ...options, readers: [], writers: [] };
}

function checkNames(owner: string, fields: Fields): void {
  for (const [name, field] of Object.entries(fields)) {
    if (!FIELD_NAME.test(name) || name === 'unknownTags') throw new Error(`${owner}: ${name} is no field name`);
    const members = field.fields ?? field.element?.fields;
    if (members !== undefined) checkNames(`${owner}.${name}`, members);
  }
}

export function isFlexible(declaration: Message, version: number): boolean {
  return declaration.flexibleFrom !== undefined && version >= declaration.flexibleFrom;
}
