import type { OperationName } from '../../src/aws/operation-names.ts';
import type { WireStructure } from '../../src/aws/wire/wire-codec.ts';
import type { World } from './world.ts';

/** A request of which the table says how it is answered. */
export interface OperationCase {
  /** A phrase for the table. */
  readonly when: string;
  /** Makes what the request needs and answers its input: bytes are Buffers, times are Dates, in every form. */
  readonly input: (world: World) => WireStructure | Promise<WireStructure>;
}

/** Of one operation: every error that its header numbers has a case, and what succeeds has one at least. */
export interface OperationCases {
  readonly operation: OperationName;
  readonly ok: readonly OperationCase[];
  /** By the number in the operation's header. */
  readonly errors: Readonly<Record<number, OperationCase>>;
  /** Numbers that take too much to bring about for every form, and what shows them instead. */
  readonly elsewhere?: Readonly<Record<number, string>>;
}

type Input = OperationCase['input'];

export function operationCase(when: string, input: Input | WireStructure): OperationCase {
  return { when, input: typeof input === 'function' ? input : () => input };
}

/** The cases of streams that operations share. `rest`: the other members, which are right. */
export function noStreamNamed(rest: WireStructure = {}): OperationCase {
  return operationCase('no stream named', rest);
}

export function noSuchStream(rest: WireStructure = {}): OperationCase {
  return operationCase('a stream that there is not', { StreamName: 'nothing', ...rest });
}

export function noSuchStreamArn(rest: WireStructure = {}): OperationCase {
  return operationCase('a stream that there is not', (world) => ({ StreamARN: world.arn('nothing'), ...rest }));
}

export function noStreamArn(rest: WireStructure = {}): OperationCase {
  return operationCase('an ARN of something else', (world) => ({ StreamARN: `${world.arn('a')}/b`, ...rest }));
}

export function updatingStream(rest: WireStructure = {}, make?: WireStructure): OperationCase {
  return operationCase('a stream that is being changed', async (world) => ({
    StreamName: await world.updatingStream(make),
    ...rest,
  }));
}

/** Those of operations that take the ARN of a stream or a consumer. */
export function noResource(rest: WireStructure = {}): OperationCase {
  return operationCase('an ARN of something else', {
    ResourceARN: 'arn:aws:kinesis:us-east-1:000000000000:channel/a',
    ...rest,
  });
}

export function noSuchResource(rest: WireStructure = {}): OperationCase {
  return operationCase('a stream that there is not', (world) => ({ ResourceARN: world.arn('nothing'), ...rest }));
}
