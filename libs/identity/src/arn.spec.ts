import { describe, expect, it } from '@jest/globals';
import {
  ARN_CHARACTERS_MAX,
  formatConsumerArn,
  formatStreamArn,
  parseConsumerArn,
  parseStreamArn,
  partitionOf,
} from './arn.ts';

const stream = { partition: 'aws', region: 'eu-west-1', account: '111122223333', streamName: 'orders-1.x_y' } as const;
const consumer = { ...stream, consumerName: 'reader', createdAtSeconds: 1_540_591_608 };

describe('the ARN of a stream', () => {
  it.each([
    ['arn:aws:kinesis:eu-west-1:111122223333:stream/orders-1.x_y', stream],
    [
      'arn:aws-cn:kinesis:cn-north-1:111122223333:stream/orders-1.x_y',
      { ...stream, partition: 'aws-cn', region: 'cn-north-1' } as const,
    ],
    [
      'arn:aws-us-gov:kinesis:us-gov-west-1:111122223333:stream/orders-1.x_y',
      { ...stream, partition: 'aws-us-gov', region: 'us-gov-west-1' } as const,
    ],
  ])('is taken apart and put together: %s', (arn, parts) => {
    expect(parseStreamArn(arn)).toEqual(parts);
    expect(formatStreamArn(parts)).toBe(arn);
    const { partition: _, ...rest } = parts;
    expect(formatStreamArn(rest)).toBe(arn);
  });

  it.each([
    '',
    'orders',
    'arn:aws:kinesis:eu-west-1:111122223333:stream/',
    'arn:aws:kinesis:eu-west-1:111122223333:stream/orders/consumer/reader:1',
    'arn:aws:kinesis:eu-west-1:11112222333:stream/orders',
    'arn:aws:kinesis::111122223333:stream/orders',
    'arn:aws-eu:kinesis:eu-west-1:111122223333:stream/orders',
    'arn:aws:firehose:eu-west-1:111122223333:stream/orders',
    'arn:aws:kinesis:eu-west-1:111122223333:stream/a b',
    `arn:aws:kinesis:eu-west-1:111122223333:stream/orders\n`,
    `arn:aws:kinesis:eu-west-1:111122223333:stream/${'a'.repeat(ARN_CHARACTERS_MAX)}`,
  ])('is not %j', (arn) => {
    expect(parseStreamArn(arn)).toBeUndefined();
  });
});

describe('the ARN of a consumer', () => {
  const arn = 'arn:aws:kinesis:eu-west-1:111122223333:stream/orders-1.x_y/consumer/reader:1540591608';

  it('is taken apart and put together', () => {
    expect(parseConsumerArn(arn)).toEqual(consumer);
    expect(formatConsumerArn(consumer)).toBe(arn);
  });

  it.each([
    'arn:aws:kinesis:eu-west-1:111122223333:stream/orders',
    'arn:aws:kinesis:eu-west-1:111122223333:stream/orders/consumer/reader',
    'arn:aws:kinesis:eu-west-1:111122223333:stream/orders/consumer/reader:',
    'arn:aws:kinesis:eu-west-1:111122223333:stream/orders/consumer/reader:1x',
    'arn:aws:kinesis:eu-west-1:111122223333:stream/orders/consumer/:1',
    `${arn}${'1'.repeat(ARN_CHARACTERS_MAX)}`,
  ])('is not %j', (text) => {
    expect(parseConsumerArn(text)).toBeUndefined();
  });
});

it.each([
  ['eu-west-1', 'aws'],
  ['cn-northwest-1', 'aws-cn'],
  ['us-gov-east-1', 'aws-us-gov'],
  ['anything', 'aws'],
])('the region %s is of the partition %s', (region, partition) => {
  expect(partitionOf(region)).toBe(partition);
});
