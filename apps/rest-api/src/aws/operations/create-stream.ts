import { invalidArgument, AwsError } from '../aws-error.ts';
import { operation, type OperationContext } from '../operation.ts';
import { streamName } from '../members.ts';
import { refusalError } from '../refusal-errors.ts';
import { integer, required, string, structure, textMap } from '../wire/shapes.ts';

/** What the service gives an ON_DEMAND stream to begin with. */
const ON_DEMAND_SHARDS = 4;
/** All open shards of the deployment together: each one costs every process memory. */
export const OPEN_SHARDS_MAX = 20_000;

/**
 * CreateStream: makes a stream, which is ACTIVE at once.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_CreateStream.html
 * 1 ValidationException  2 InvalidArgumentException  3 ResourceInUseException  4 LimitExceededException
 */
export const createStream = operation({
  name: 'CreateStream',
  input: {
    ShardCount: integer({ min: 1, max: 100_000 }),
    StreamName: required(streamName),
    StreamModeDetails: structure({ StreamMode: required(string({ values: ['PROVISIONED', 'ON_DEMAND'] })) }),
    Tags: textMap({ min: 1, max: 200, keyLength: { min: 1, max: 128 }, valueLength: { min: 0, max: 256 } }),
    WarmThroughputMiBps: integer({ min: 0 }),
    MaxRecordSizeInKiB: integer({ min: 1024, max: 10_240 }),
    RecordDistributionStrategy: string({ values: ['AUTO', 'USER_PARTITION_KEY'] }),
  },
  async run(input, context) {
    const { StreamName: name, StreamModeDetails, ShardCount } = input;
    const mode = StreamModeDetails?.StreamMode ?? 'PROVISIONED';
    if (mode === 'PROVISIONED' && ShardCount === undefined) {
      throw invalidArgument('ShardCount must be specified for a stream in PROVISIONED mode.'); // 2
    }
    if (mode === 'ON_DEMAND' && ShardCount !== undefined) {
      throw invalidArgument('ShardCount cannot be specified for a stream in ON_DEMAND mode.'); // 2
    }
    refuseUnsupported(input); // 2
    const { catalog, caller } = context;
    const place = { streamName: name, account: caller.account };
    if ((await catalog.find(name)) !== undefined) {
      throw refusalError({ code: 'streamExists', stream: name }, place); // 3
    }
    const shardCount = ShardCount ?? ON_DEMAND_SHARDS;
    refuseTooManyShards(shardCount, context); // 4
    const created = await catalog.create({ name, shardCount, mode, origin: 'kinesis' });
    if (!created.ok) throw refusalError(created.refusal, place); // 3, where another process was faster
    return undefined;
  },
});

/** Members of the model that this service does not act on: taking them in silence would promise what is not kept. */
function refuseUnsupported(input: {
  readonly Tags?: Readonly<Record<string, string>>;
  readonly WarmThroughputMiBps?: number;
  readonly MaxRecordSizeInKiB?: number;
  readonly RecordDistributionStrategy?: string;
}): void {
  const unsupported =
    input.Tags !== undefined
      ? 'Tags'
      : input.WarmThroughputMiBps !== undefined
        ? 'WarmThroughputMiBps'
        : input.MaxRecordSizeInKiB !== undefined && input.MaxRecordSizeInKiB !== 1024
          ? 'MaxRecordSizeInKiB'
          : input.RecordDistributionStrategy === 'AUTO'
            ? 'RecordDistributionStrategy AUTO'
            : undefined;
  if (unsupported !== undefined) throw invalidArgument(`${unsupported} is not supported by this service.`);
}

function refuseTooManyShards(wanted: number, { catalog, caller }: OperationContext): void {
  let open = 0;
  for (const name of catalog.names()) open += catalog.peek(name)?.openShards.length ?? 0;
  if (open + wanted <= OPEN_SHARDS_MAX) return;
  throw new AwsError(
    'LimitExceededException',
    `This request would exceed the shard limit for the account ${caller.account} in ${caller.region}. ` +
      `Current shard count for the account: ${open}. Limit: ${OPEN_SHARDS_MAX}. Number of additional shards that ` +
      `would have resulted from this request: ${wanted}. Refer to the AWS Service Limits page ` +
      '(http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) ' +
      'for current limits and how to request higher limits.',
  );
}
