/**
 * The words in which messages are declared. A field is plain data: its wire kind, the versions that carry it, and what
 * stands for it where it is absent. Readers, writers and TypeScript types all derive from it.
 */

/** A tagged field that this library does not know. It is kept, so that encoding again gives the same bytes. */
export interface UnknownTag {
  readonly tag: number;
  readonly data: Buffer;
}

export type ScalarKind = 'bool' | 'int8' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'int64' | 'float64' | 'uuid';
export type FieldKind = ScalarKind | 'string' | 'bytes' | 'records' | 'array' | 'struct';

export interface FieldOptions<Value> {
  /** First version that carries the field; without it, all do. */
  readonly since?: number;
  /** Last version that carries the field, inclusive; without it, there is no end. */
  readonly until?: number;
  /** Number of the field in the tagged section (KIP-482). A tagged field is written only where it differs from its default. */
  readonly tag?: number;
  /** First version in which the field is tagged, where it was an ordinary field before; without it, `since`. */
  readonly taggedSince?: number;
  /**
   * Value where a version does not carry the field. A field with a default may be left out of what is encoded.
   * Without it: 0, false, '', no bytes, an empty array, the zero uuid, a struct of defaults.
   */
  readonly default?: Value;
  /** First version that allows null, where it is not all of them. */
  readonly nullableSince?: number;
  /** Last version that allows null, where it is not all of them. */
  readonly nullableUntil?: number;
  /** A value given for a version that cannot carry it is dropped; without this, it is refused with `UnsupportedField`. */
  readonly ignorable?: boolean;
}

/**
 * `Value` is what a reader returns, `Given` what a writer accepts, `Optional` whether a writer may be given nothing.
 */
export interface Field<Value = unknown, Given = Value, Optional extends boolean = boolean> {
  readonly kind: FieldKind;
  readonly nullable: boolean;
  readonly options: FieldOptions<unknown>;
  /** Element of an array. */
  readonly element?: Field | undefined;
  /** Members of a struct. */
  readonly fields?: Fields | undefined;
  /** Types only; never present. */
  readonly types?: { readonly value: Value; readonly given: Given; readonly optional: Optional };
}

export type Fields = Readonly<Record<string, Field>>;

type AnyField<Value, Given, Optional extends boolean> = Field<Value, Given, Optional>;
type ValueOf<F> = F extends AnyField<infer Value, infer _Given, infer _Optional> ? Value : never;
type GivenOf<F> = F extends AnyField<infer _Value, infer Given, infer _Optional> ? Given : never;
type OptionalKeys<F extends Fields> = {
  [K in keyof F]: F[K] extends AnyField<infer _Value, infer _Given, infer Optional>
    ? Optional extends true
      ? K
      : never
    : never;
}[keyof F];

/** What a reader returns: every field is there, whichever version was read. */
export type StructOf<F extends Fields> = { -readonly [K in keyof F]: ValueOf<F[K]> } & {
  unknownTags?: readonly UnknownTag[];
};

/** What a writer accepts: fields with a default, and tagged ones, may be left out. */
export type DraftOf<F extends Fields> = { readonly [K in Exclude<keyof F, OptionalKeys<F>>]: GivenOf<F[K]> } & {
  readonly [K in OptionalKeys<F>]?: GivenOf<F[K]> | undefined;
} & { readonly unknownTags?: readonly UnknownTag[] };

type IsOptional<O> = O extends { readonly default: unknown } | { readonly tag: number } ? true : false;

/** Bytes of record batches to send: one buffer, or the pieces as the log returned them. Large pieces are never copied. */
export type RecordsGiven = Buffer | readonly Buffer[];

function scalar<Value>(kind: ScalarKind) {
  return <const O extends FieldOptions<Value>>(options?: O): Field<Value, Value, IsOptional<O>> => ({
    kind,
    nullable: false,
    options: options ?? {},
  });
}

export const bool = scalar<boolean>('bool');
export const int8 = scalar<number>('int8');
export const int16 = scalar<number>('int16');
export const uint16 = scalar<number>('uint16');
export const int32 = scalar<number>('int32');
export const uint32 = scalar<number>('uint32');
export const int64 = scalar<bigint>('int64');
export const float64 = scalar<number>('float64');
/** 16 bytes, in memory as 22 characters of URL-safe base64 without padding: the form in which Kafka's tools print topic ids. */
export const uuid = scalar<string>('uuid');

function blob<Value, Given>(kind: 'string' | 'bytes' | 'records', nullable: boolean) {
  return <const O extends FieldOptions<Value>>(options?: O): Field<Value, Given, IsOptional<O>> => ({
    kind,
    nullable,
    options: options ?? {},
  });
}

export const string = blob<string, string>('string', false);
export const nullableString = blob<string | null, string | null>('string', true);
/** Read as a view of the frame, not a copy. */
export const bytes = blob<Buffer, Buffer>('bytes', false);
export const nullableBytes = blob<Buffer | null, Buffer | null>('bytes', true);
/** Record batches; read as a view of the frame. */
export const records = blob<Buffer, RecordsGiven>('records', false);
export const nullableRecords = blob<Buffer | null, RecordsGiven | null>('records', true);

export function array<Value, Given, Optional extends boolean, const O extends FieldOptions<readonly []>>(
  element: Field<Value, Given, Optional>,
  options?: O,
): Field<Value[], readonly Given[], IsOptional<O>> {
  return { kind: 'array', nullable: false, options: options ?? {}, element: element };
}

export function nullableArray<Value, Given, Optional extends boolean, const O extends FieldOptions<readonly [] | null>>(
  element: Field<Value, Given, Optional>,
  options?: O,
): Field<Value[] | null, readonly Given[] | null, IsOptional<O>> {
  return { kind: 'array', nullable: true, options: options ?? {}, element: element };
}

export function struct<const F extends Fields, const O extends FieldOptions<never>>(
  fields: F,
  options?: O,
): Field<StructOf<F>, DraftOf<F>, IsOptional<O>> {
  return { kind: 'struct', nullable: false, options: options ?? {}, fields };
}

export function nullableStruct<const F extends Fields, const O extends FieldOptions<null>>(
  fields: F,
  options?: O,
): Field<StructOf<F> | null, DraftOf<F> | null, IsOptional<O>> {
  return { kind: 'struct', nullable: true, options: options ?? {}, fields };
}

/** Whether version `version` carries the field at all. */
export function isCarried(field: Field, version: number): boolean {
  return version >= (field.options.since ?? 0) && version <= (field.options.until ?? Infinity);
}

/** Whether version `version` carries the field in the tagged section. */
export function isTagged(field: Field, version: number): boolean {
  return field.options.tag !== undefined && isCarried(field, version) && version >= (field.options.taggedSince ?? 0);
}

/** Whether the field may be null in version `version`. */
export function isNullable(field: Field, version: number): boolean {
  return (
    field.nullable &&
    version >= (field.options.nullableSince ?? 0) &&
    version <= (field.options.nullableUntil ?? Infinity)
  );
}
