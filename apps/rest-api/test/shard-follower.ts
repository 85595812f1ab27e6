import {
  type KinesisClient,
  RegisterStreamConsumerCommand,
  type StartingPosition,
  SubscribeToShardCommand,
  type SubscribeToShardEvent,
} from '@aws-sdk/client-kinesis';
import { eventually } from '@tailrace/testkit';

/** One subscription as the JavaScript client library shows it: reads events in the background and keeps them. */
export interface ShardFollower {
  readonly events: readonly SubscribeToShardEvent[];
  /** The contents of all records so far, as text. */
  texts(): string[];
  /** Resolves when the stream has ended, with the error if it ended so. */
  readonly ended: Promise<Error | undefined>;
  /** Waits until so many records have come, and answers all texts. */
  untilRecords(count: number): Promise<string[]>;
  untilEvents(count: number): Promise<void>;
  /** `ContinuationSequenceNumber` of the last event. */
  readonly continuation: string;
}

const WAIT_MS = 15_000;

/** Answers its ARN. */
export async function registerConsumer(
  client: KinesisClient,
  StreamARN: string,
  ConsumerName: string,
): Promise<string> {
  const { Consumer } = await client.send(new RegisterStreamConsumerCommand({ StreamARN, ConsumerName }));
  return Consumer?.ConsumerARN as string;
}

/** Rejects when the subscription is refused. With `go`, begins to read only when that resolves. */
export async function followShard(
  client: KinesisClient,
  ConsumerARN: string,
  StartingPosition: StartingPosition,
  { shardId: ShardId = 'shardId-000000000000', go = Promise.resolve() } = {},
): Promise<ShardFollower> {
  const { EventStream } = await client.send(new SubscribeToShardCommand({ ConsumerARN, ShardId, StartingPosition }));
  const events: SubscribeToShardEvent[] = [];
  const texts: string[] = [];
  const read = async (): Promise<Error | undefined> => {
    await go;
    try {
      for await (const { SubscribeToShardEvent: event } of EventStream ?? []) {
        if (event === undefined) continue;
        events.push(event);
        for (const { Data } of event.Records ?? []) texts.push(Buffer.from(Data ?? []).toString());
      }
      return undefined;
    } catch (error) {
      return error as Error;
    }
  };
  return {
    events,
    texts: () => texts,
    ended: read(),
    untilRecords: (count) =>
      eventually(() => texts.length >= count && texts, { timeoutMs: WAIT_MS }) as Promise<string[]>,
    untilEvents: async (count) => {
      await eventually(() => events.length >= count, { timeoutMs: WAIT_MS });
    },
    get continuation() {
      return events.at(-1)?.ContinuationSequenceNumber as string;
    },
  };
}
