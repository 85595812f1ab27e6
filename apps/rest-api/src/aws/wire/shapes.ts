/**
 * Input members as data: what the service model says about type and limits, and what a value becomes inside.
 * An operation lists its members in the order in which the service names them in validation messages.
 */
export interface StringShape {
  readonly kind: 'string';
  readonly min?: number;
  readonly max?: number;
  /** As the service prints it; matched against the whole value. */
  readonly pattern?: string;
  /** What is matched: made from the pattern, or another expression for the same texts where that one takes long. */
  readonly matches?: RegExp;
  /** In the order in which the service prints the set. */
  readonly values?: readonly string[];
}

export interface IntegerShape {
  readonly kind: 'integer';
  readonly min?: number;
  readonly max?: number;
}

export interface BooleanShape {
  readonly kind: 'boolean';
}

/** Inside: milliseconds since 1970. */
export interface TimestampShape {
  readonly kind: 'timestamp';
}

/** Inside: the bytes. */
export interface BlobShape {
  readonly kind: 'blob';
  readonly max?: number;
}

export interface ListShape {
  readonly kind: 'list';
  readonly min?: number;
  readonly max?: number;
  readonly of: Shape;
  /** How the service prints a member in a validation message. */
  readonly memberText?: string;
}

export interface MapShape {
  readonly kind: 'map';
  readonly min?: number;
  readonly max?: number;
  readonly keyLength: { readonly min: number; readonly max: number };
  readonly valueLength: { readonly min: number; readonly max: number };
}

export interface StructureShape {
  readonly kind: 'structure';
  readonly members: Members;
}

export type Shape = (
  StringShape | IntegerShape | BooleanShape | TimestampShape | BlobShape | ListShape | MapShape | StructureShape
) & { readonly required?: true };

export type Members = Readonly<Record<string, Shape>>;

type ValueOf<S> = S extends { kind: 'string'; values: readonly (infer V)[] }
  ? V
  : S extends { kind: 'string' }
    ? string
    : S extends { kind: 'integer' | 'timestamp' }
      ? number
      : S extends { kind: 'boolean' }
        ? boolean
        : S extends { kind: 'blob' }
          ? Buffer
          : S extends { kind: 'list'; of: infer M }
            ? readonly ValueOf<M>[]
            : S extends { kind: 'map' }
              ? Readonly<Record<string, string>>
              : S extends { kind: 'structure'; members: infer M }
                ? InputOf<M>
                : never;

/** What `run` gets: required members are there, others may be `undefined`. */
export type InputOf<M> = {
  readonly [K in keyof M as M[K] extends { required: true } ? K : never]: ValueOf<M[K]>;
} & {
  readonly [K in keyof M as M[K] extends { required: true } ? never : K]?: ValueOf<M[K]>;
};

export function string<const O extends Omit<StringShape, 'kind'>>(
  options: O = {} as O,
): { readonly kind: 'string' } & O {
  return {
    kind: 'string',
    ...(options.pattern !== undefined && { matches: new RegExp(`^(?:${options.pattern})$`) }),
    ...options,
  };
}

export function integer(options: Omit<IntegerShape, 'kind'> = {}): IntegerShape {
  return { kind: 'integer', ...options };
}

export function boolean(): BooleanShape {
  return { kind: 'boolean' };
}

export function timestamp(): TimestampShape {
  return { kind: 'timestamp' };
}

export function blob(options: Omit<BlobShape, 'kind'> = {}): BlobShape {
  return { kind: 'blob', ...options };
}

export function list<const O extends Omit<ListShape, 'kind'>>(options: O): { readonly kind: 'list' } & O {
  return { kind: 'list', ...options };
}

export function textMap(options: Omit<MapShape, 'kind'>): MapShape {
  return { kind: 'map', ...options };
}

export function structure<const M extends Members>(members: M): { readonly kind: 'structure'; readonly members: M } {
  return { kind: 'structure', members };
}

export function required<S extends Shape>(shape: S): S & { readonly required: true } {
  return { ...shape, required: true };
}
