import { expect, it } from '@jest/globals';
import type { OperationName } from '../src/aws/operation-names.ts';
import { ACCOUNT, awsError, awsHarness } from './aws-harness.ts';

export const STREAM_ARN = `arn:aws:kinesis:us-east-1:${ACCOUNT}:stream/s`;
const OTHER_ARN = `arn:aws:kinesis:eu-west-1:123456789012:stream/none`;

/** The refusals that operations on a stream named by name or ARN share, in their order. `input` names none. */
export function itRefusesStreams(operation: OperationName, input: object): void {
  it.each([
    ['no stream', {}, 'InvalidArgumentException', 'Either StreamName or StreamARN should be provided.'],
    [
      'a name and the ARN of another',
      { StreamName: 't', StreamARN: STREAM_ARN },
      'InvalidArgumentException',
      `StreamName t and StreamARN ${STREAM_ARN} name different streams.`,
    ],
    [
      'a name that there is not',
      { StreamName: 'none' },
      'ResourceNotFoundException',
      `Stream none under account ${ACCOUNT} not found.`,
    ],
    [
      'an ARN that there is not',
      { StreamARN: OTHER_ARN },
      'ResourceNotFoundException',
      'Stream none under account 123456789012 not found.',
    ],
  ])('refuses %s', async (_name, reference, type, message) => {
    const { call } = await withStream();
    expect(await call(operation, { ...input, ...reference })).toEqual(awsError(type, message));
  });
}

/** The refusals of an operation that takes the ARN of a stream alone. */
export function itRefusesStreamArns(operation: OperationName, input: object): void {
  it.each([
    [
      'an ARN that is none of a stream',
      'arn:aws:kinesis:us-east-1:000000000000:stream/a/b',
      'InvalidArgumentException',
      'StreamARN arn:aws:kinesis:us-east-1:000000000000:stream/a/b is not the ARN of a stream.',
    ],
    [
      'an ARN that there is not',
      OTHER_ARN,
      'ResourceNotFoundException',
      'Stream none under account 123456789012 not found.',
    ],
  ])('refuses %s', async (_name, StreamARN, type, message) => {
    const { call } = await withStream();
    expect(await call(operation, { ...input, StreamARN })).toEqual(awsError(type, message));
  });
}

/** Of operations that change an ACTIVE stream only. `input` names the stream `s`, which is made by `settings`. */
export function itRefusesUpdating(operation: OperationName, input: object, settings: object = { ShardCount: 1 }): void {
  it('refuses a stream that is UPDATING', async () => {
    const { call, catalog } = await withStream(settings);
    await catalog.update('s', (document) => ({ ...document, status: 'UPDATING' }));
    expect(await call(operation, input)).toEqual(
      awsError('ResourceInUseException', `Stream s under account ${ACCOUNT} not ACTIVE, instead in state UPDATING`),
    );
  });
}

/** Of operations that take the ARN of a stream or a consumer. */
export function itRefusesResources(operation: OperationName, input: object): void {
  const queue = `arn:aws:kinesis:us-east-1:${ACCOUNT}:queue/q`;
  it.each([
    [
      'the ARN of something else',
      queue,
      'InvalidArgumentException',
      `ResourceARN ${queue} is not the ARN of a stream or of a consumer.`,
    ],
    [
      'a stream that there is not',
      OTHER_ARN,
      'ResourceNotFoundException',
      'Stream none under account 123456789012 not found.',
    ],
    [
      'a consumer that there is not',
      `${STREAM_ARN}/consumer/c:1700000000`,
      'ResourceNotFoundException',
      `Consumer c under stream s and account ${ACCOUNT} not found.`,
    ],
  ])('refuses %s', async (_name, ResourceARN, type, message) => {
    const { call } = await withStream();
    expect(await call(operation, { ...input, ResourceARN })).toEqual(awsError(type, message));
  });
}

/** A door with one stream `s`. */
export async function withStream(settings: object = { ShardCount: 1 }, options: { readonly limits?: boolean } = {}) {
  const harness = await awsHarness(options);
  await harness.ok('CreateStream', { StreamName: 's', ...settings });
  return harness;
}

export const ON_DEMAND = { StreamModeDetails: { StreamMode: 'ON_DEMAND' } } as const;
