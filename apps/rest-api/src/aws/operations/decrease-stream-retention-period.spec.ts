import { describe, expect, it } from '@jest/globals';
import { itRefusesStreams, itRefusesUpdating, withStream } from '../../../test/aws-cases.ts';
import { awsError, NOT_NULL, validationError } from '../../../test/aws-harness.ts';

/** A stream that keeps its records for 48 hours. */
async function keepsTwoDays() {
  const harness = await withStream();
  await harness.ok('IncreaseStreamRetentionPeriod', { StreamName: 's', RetentionPeriodHours: 48 });
  return harness;
}

describe('DecreaseStreamRetentionPeriod', () => {
  it.each([47, 24, 48])('sets %d hours', async (RetentionPeriodHours) => {
    const { call, ok } = await keepsTwoDays();
    const answer = await call('DecreaseStreamRetentionPeriod', { StreamName: 's', RetentionPeriodHours });
    expect(answer).toEqual({ statusCode: 200, contentType: 'application/x-amz-json-1.1', body: '' });
    expect(await ok('DescribeStreamSummary', { StreamName: 's' })).toMatchObject({
      StreamDescriptionSummary: { RetentionPeriodHours },
    });
  });

  it('goes before what a Kafka client has set of the topic', async () => {
    const { ok, catalog } = await keepsTwoDays();
    await catalog.update('s', (document) => ({ ...document, configs: { 'retention.ms': '-1' } }));
    const hours = async () =>
      (
        await ok<{ StreamDescriptionSummary: { RetentionPeriodHours: number } }>('DescribeStreamSummary', {
          StreamName: 's',
        })
      ).StreamDescriptionSummary.RetentionPeriodHours;
    expect(await hours()).toBe(8760);
    await ok('DecreaseStreamRetentionPeriod', { StreamName: 's', RetentionPeriodHours: 72 });
    expect(await hours()).toBe(72);
    expect(catalog.peek('s')?.document).toMatchObject({ configs: {}, retentionMs: 72 * 3_600_000 });
  });

  it('refuses (1) a request without hours', async () => {
    const { call } = await withStream();
    expect(await call('DecreaseStreamRetentionPeriod', { StreamName: 's' })).toEqual(
      validationError(['null', 'retentionPeriodHours', NOT_NULL]),
    );
  });

  itRefusesStreams('DecreaseStreamRetentionPeriod', { RetentionPeriodHours: 48 });
  itRefusesUpdating('DecreaseStreamRetentionPeriod', { StreamName: 's', RetentionPeriodHours: 1 });

  it.each([
    [23, 'Minimum allowed retention period is 24 hours. Requested retention period (23 hours) is too short.'],
    [8761, 'Maximum allowed retention period is 8760 hours. Requested retention period (8761 hours) is too long.'],
    [
      49,
      'Requested retention period (49 hours) for stream s can not be longer than existing retention period (48 hours). ' +
        'Use IncreaseRetentionPeriod API.',
    ],
  ])('refuses (5, 6) %d hours', async (RetentionPeriodHours, message) => {
    const { call } = await keepsTwoDays();
    expect(await call('DecreaseStreamRetentionPeriod', { StreamName: 's', RetentionPeriodHours })).toEqual(
      awsError('InvalidArgumentException', message),
    );
  });
});
