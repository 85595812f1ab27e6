import { describe, expect, it } from '@jest/globals';
import { KeyRing } from '@tailrace/shard-core';
import { eventually } from '@tailrace/testkit';
import { ACCOUNT, type AwsHarness, awsHarness } from './aws-harness.ts';

const REGION = 'us-east-1';
const StreamName = 'orders';
const StreamARN = `arn:aws:kinesis:${REGION}:${ACCOUNT}:stream/${StreamName}`;
const TAGS_AT_ONCE = 10;

interface Wanted {
  readonly shardCount?: number;
  readonly mode: 'PROVISIONED' | 'ON_DEMAND';
  readonly retentionHours: number;
  readonly metrics: readonly string[];
  readonly kmsKeyId?: string;
  readonly tags: Readonly<Record<string, string>>;
}

interface Summary {
  readonly StreamARN: string;
  readonly StreamStatus: string;
  readonly RetentionPeriodHours: number;
  readonly OpenShardCount: number;
  readonly EnhancedMonitoring: readonly { readonly ShardLevelMetrics: readonly string[] }[];
  readonly EncryptionType: string;
  readonly KeyId?: string;
  readonly StreamModeDetails: { readonly StreamMode: Wanted['mode'] };
}

/** What a tool that keeps infrastructure by description does with a stream: the calls of Terraform's provider, in its order. */
class Tool {
  readonly #aws: AwsHarness;

  constructor(aws: AwsHarness) {
    this.#aws = aws;
  }

  async summary(): Promise<Summary | undefined> {
    const { statusCode, body } = await this.#aws.call('DescribeStreamSummary', { StreamName });
    if (statusCode === 200) return (body as { StreamDescriptionSummary: Summary }).StreamDescriptionSummary;
    expect(body).toMatchObject({ __type: 'ResourceNotFoundException' });
    return undefined;
  }

  /** Behind each change: tools wait until the stream is ACTIVE again. */
  async change(operation: Parameters<AwsHarness['call']>[0], input: object): Promise<void> {
    await this.#aws.ok(operation, input);
    await eventually(async () => expect((await this.summary())?.StreamStatus).toBe('ACTIVE'));
  }

  async create({ shardCount, mode, ...rest }: Wanted): Promise<void> {
    await this.change('CreateStream', {
      StreamName,
      StreamModeDetails: { StreamMode: mode },
      ...(shardCount !== undefined && { ShardCount: shardCount }),
    });
    await this.update({ mode, ...rest });
  }

  /** Brings the stream from what it is to what is wanted. */
  async update({ shardCount, mode, retentionHours, metrics, kmsKeyId, tags }: Wanted): Promise<void> {
    const before = (await this.summary()) as Summary;
    if (before.StreamModeDetails.StreamMode !== mode) {
      await this.change('UpdateStreamMode', { StreamARN, StreamModeDetails: { StreamMode: mode } });
    }
    if (shardCount !== undefined && before.OpenShardCount !== shardCount) {
      await this.change('UpdateShardCount', {
        StreamName,
        TargetShardCount: shardCount,
        ScalingType: 'UNIFORM_SCALING',
      });
    }
    if (retentionHours !== before.RetentionPeriodHours) {
      const operation =
        retentionHours > before.RetentionPeriodHours
          ? 'IncreaseStreamRetentionPeriod'
          : 'DecreaseStreamRetentionPeriod';
      await this.change(operation, { StreamName, RetentionPeriodHours: retentionHours });
    }
    const had = before.EnhancedMonitoring[0]?.ShardLevelMetrics ?? [];
    const [off, on] = [had.filter((one) => !metrics.includes(one)), metrics.filter((one) => !had.includes(one))];
    if (off.length > 0) await this.change('DisableEnhancedMonitoring', { StreamName, ShardLevelMetrics: off });
    if (on.length > 0) await this.change('EnableEnhancedMonitoring', { StreamName, ShardLevelMetrics: on });
    if (kmsKeyId !== undefined && kmsKeyId !== before.KeyId) {
      await this.change('StartStreamEncryption', { StreamName, EncryptionType: 'KMS', KeyId: kmsKeyId });
    } else if (kmsKeyId === undefined && before.KeyId !== undefined) {
      await this.change('StopStreamEncryption', { StreamName, EncryptionType: 'KMS', KeyId: before.KeyId });
    }
    const present = await this.tags();
    const removed = Object.keys(present).filter((key) => !(key in tags));
    if (removed.length > 0) await this.#aws.ok('RemoveTagsFromStream', { StreamName, TagKeys: removed });
    const added = Object.entries(tags).filter(([key, value]) => present[key] !== value);
    for (let i = 0; i < added.length; i += TAGS_AT_ONCE) {
      const Tags = Object.fromEntries(added.slice(i, i + TAGS_AT_ONCE));
      await this.#aws.ok('AddTagsToStream', { StreamName, Tags });
    }
  }

  async tags(): Promise<Record<string, string>> {
    const { Tags } = await this.#aws.ok<{ Tags: { Key: string; Value: string }[] }>('ListTagsForResource', {
      ResourceARN: StreamARN,
    });
    return Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));
  }

  /** What the next plan compares with what is wanted. */
  async read(): Promise<Wanted> {
    const summary = (await this.summary()) as Summary;
    const { StreamMode: mode } = summary.StreamModeDetails;
    return {
      mode,
      ...(mode === 'PROVISIONED' && { shardCount: summary.OpenShardCount }),
      retentionHours: summary.RetentionPeriodHours,
      metrics: [...(summary.EnhancedMonitoring[0]?.ShardLevelMetrics ?? [])].sort(),
      ...(summary.KeyId !== undefined && { kmsKeyId: summary.KeyId }),
      tags: await this.tags(),
    };
  }
}

async function tool() {
  const aws = await awsHarness();
  Object.assign(aws.store, { keyRing: new KeyRing([{ id: 'key-1', bytes: Buffer.alloc(32, 1) }]) });
  return { aws, tool: new Tool(aws) };
}

describe('a tool that keeps infrastructure by description', () => {
  const first: Wanted = {
    shardCount: 2,
    mode: 'PROVISIONED',
    retentionHours: 48,
    metrics: ['IncomingBytes', 'OutgoingBytes'],
    kmsKeyId: 'alias/aws/kinesis',
    tags: Object.fromEntries(Array.from({ length: 23 }, (_, i) => [`tag-${i}`, `value ${i}`])),
  };
  const steps: readonly [string, Wanted][] = [
    ['more shards', { ...first, shardCount: 3 }],
    [
      'other records',
      { ...first, shardCount: 3, retentionHours: 24, metrics: ['IteratorAgeMilliseconds'], tags: { a: 'b' } },
    ],
    ['another name of its key', { ...first, shardCount: 3, kmsKeyId: `arn:aws:kms:${REGION}:${ACCOUNT}:key/key-1` }],
    ['no encryption', { shardCount: 3, mode: 'PROVISIONED', retentionHours: 168, metrics: [], tags: {} }],
    ['on demand', { mode: 'ON_DEMAND', retentionHours: 168, metrics: [], tags: {} }],
  ];

  it('finds what it has made, and nothing to change, after each step from making to deleting', async () => {
    const { aws, tool: terraform } = await tool();
    expect(await terraform.summary()).toBeUndefined();
    await terraform.create(first);
    expect(await terraform.read()).toEqual(first);
    for (const [what, wanted] of steps) {
      await terraform.update(wanted);
      expect([what, await terraform.read()]).toEqual([what, wanted]);
    }
    await aws.ok('DeleteStream', { StreamName, EnforceConsumerDeletion: true });
    await eventually(async () => expect(await terraform.summary()).toBeUndefined());
  });

  it('makes and removes a consumer and a policy beside it', async () => {
    const { aws, tool: terraform } = await tool();
    await terraform.create({ mode: 'ON_DEMAND', retentionHours: 24, metrics: [], tags: {} });
    const { Consumer } = await aws.ok<{ Consumer: { ConsumerARN: string } }>('RegisterStreamConsumer', {
      StreamARN,
      ConsumerName: 'reader',
    });
    const { ConsumerARN } = Consumer;
    await eventually(async () => {
      expect(await aws.ok('DescribeStreamConsumer', { ConsumerARN })).toMatchObject({
        ConsumerDescription: { ConsumerName: 'reader', ConsumerStatus: 'ACTIVE', StreamARN },
      });
    });
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        { Effect: 'Allow', Principal: { AWS: '111111111111' }, Action: 'kinesis:GetRecords', Resource: StreamARN },
      ],
    });
    await aws.ok('PutResourcePolicy', { ResourceARN: StreamARN, Policy });
    expect(await aws.ok('GetResourcePolicy', { ResourceARN: StreamARN })).toEqual({ Policy });
    await aws.ok('DeleteResourcePolicy', { ResourceARN: StreamARN });
    expect(await aws.ok('GetResourcePolicy', { ResourceARN: StreamARN })).toEqual({ Policy: '{}' });
    await aws.ok('DeregisterStreamConsumer', { ConsumerARN });
    await eventually(async () => {
      const { body } = await aws.call('DescribeStreamConsumer', { ConsumerARN });
      expect(body).toMatchObject({ __type: 'ResourceNotFoundException' });
    });
    await aws.ok('DeleteStream', { StreamName, EnforceConsumerDeletion: true });
  });
});
