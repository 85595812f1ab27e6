import { describe, expect, it } from '@jest/globals';
import { canonicalArn } from './canonical-arn.ts';

const stream = 'arn:aws:kinesis:eu-west-1:111122223333:stream/s';

describe('canonicalArn', () => {
  it.each([
    [stream, stream],
    [stream.replace('aws', 'aws-cn'), stream],
    [`${stream}/consumer/c:1700000000`, `${stream}/consumer/c:1700000000`],
    [`${stream.replace('aws', 'aws-us-gov')}/consumer/c:01700000000`, `${stream}/consumer/c:1700000000`],
    ['arn:aws-cn:kinesis:eu-west-1:111122223333:channel/s', 'arn:aws-cn:kinesis:eu-west-1:111122223333:channel/s'],
    ['*', '*'],
  ])('of %s', (arn, canonical) => {
    expect(canonicalArn(arn)).toBe(canonical);
  });
});
