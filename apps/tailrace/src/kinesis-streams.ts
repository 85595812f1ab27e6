import { signRequest } from '@tailrace/identity';
import { ReadableFailure } from '@tailrace/service';
import type { AwsAccess } from './aws-access.ts';
import { ask, type HttpDoor, jsonOf } from './http-door.ts';
import { deleted, madeText, NO_STREAMS, type Shown, type StreamService } from './stream-service.ts';
import { table } from './table.ts';

const TARGET_PREFIX = 'Kinesis_20131202';

interface Summary {
  readonly StreamName: string;
  readonly StreamStatus: string;
  readonly StreamModeDetails: { readonly StreamMode: string };
}

interface Description extends Summary {
  /** Seconds since 1970. */
  readonly StreamCreationTimestamp: number;
  readonly RetentionPeriodHours: number;
  readonly OpenShardCount: number;
}

interface Shard {
  readonly ShardId: string;
  readonly ParentShardId?: string;
  readonly AdjacentParentShardId?: string;
  readonly HashKeyRange: { readonly StartingHashKey: string; readonly EndingHashKey: string };
  readonly SequenceNumberRange: { readonly StartingSequenceNumber: string; readonly EndingSequenceNumber?: string };
}

/** What to do about a refusal that has to do with the signature. */
const HINTS: Readonly<Record<string, (access: AwsAccess) => string>> = {
  MissingAuthenticationTokenException: () => 'The signature was lost on the way: is there a proxy that drops headers?',
  UnrecognizedClientException: ({ credentials: { accessKeyId, sessionToken } }) =>
    sessionToken === undefined
      ? `The access key ${accessKeyId} is not known here: \`tailrace keys\` lists those that are.`
      : 'Session tokens are not known here: `tailrace keys create` makes a key that needs none.',
  InvalidSignatureException: ({ credentials: { accessKeyId }, region }) =>
    `Signed by ${accessKeyId} for ${region}: is the secret right, the clock, and the region (--region)?`,
};

/** Streams over the Kinesis protocol, with signatures: by the names of REST's members, as far as that protocol tells. */
export class KinesisStreams implements StreamService {
  readonly #door: HttpDoor;
  readonly #access: AwsAccess;

  constructor(door: HttpDoor, access: AwsAccess) {
    this.#door = door;
    this.#access = access;
  }

  async list(): Promise<Shown> {
    const streams = (await this.#listAll<Summary>('ListStreams', {}, 'StreamSummaries')).map(viewSummary);
    const rows = () => streams.map(({ name, mode, status }) => [name, mode, status]);
    return {
      json: streams,
      text: () => (streams.length === 0 ? NO_STREAMS : table(['NAME', 'MODE', 'STATUS'], rows())),
    };
  }

  async create(name: string, shards: number): Promise<Shown> {
    await this.#call('CreateStream', { StreamName: name, ShardCount: shards });
    return { json: { name, openShardCount: shards }, text: () => madeText(name, shards) };
  }

  async describe(name: string): Promise<Shown> {
    const { StreamDescriptionSummary: stream } = (await this.#call('DescribeStreamSummary', { StreamName: name })) as {
      readonly StreamDescriptionSummary: Description;
    };
    const shards = (await this.#listAll<Shard>('ListShards', { StreamName: name }, 'Shards')).map(viewShard);
    const json = {
      ...viewSummary(stream),
      createdAt: new Date(stream.StreamCreationTimestamp * 1000).toISOString(),
      retentionHours: stream.RetentionPeriodHours,
      openShardCount: stream.OpenShardCount,
      shards,
    };
    const rows = () =>
      shards.map(({ shardId, open, hashKeyRange: { start, end } }) => [shardId, open ? 'open' : 'closed', start, end]);
    return { json, text: () => table(['SHARD', 'STATE', 'FIRST HASH KEY', 'LAST HASH KEY'], rows()) };
  }

  /** With its consumers, as over REST. */
  async delete(name: string): Promise<Shown> {
    await this.#call('DeleteStream', { StreamName: name, EnforceConsumerDeletion: true });
    return deleted(name);
  }

  /** All pages of a list. A token stands for the input of the first page, and where there is one ListShards takes nothing else. */
  async #listAll<Item>(operation: string, input: object, member: string): Promise<Item[]> {
    const all: Item[] = [];
    for (let which = input; ;) {
      const page = (await this.#call(operation, which)) as Readonly<Record<string, unknown>>;
      all.push(...(page[member] as readonly Item[]));
      const { NextToken } = page;
      if (NextToken === undefined) return all;
      which = { NextToken };
    }
  }

  async #call(operation: string, input: object): Promise<unknown> {
    const body = JSON.stringify(input);
    const { pathname, host } = new URL(`${this.#door.url}/`);
    const unsigned = {
      host,
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `${TARGET_PREFIX}.${operation}`,
    };
    const request = { method: 'POST', target: pathname, headers: unsigned, body };
    const headers = signRequest(request, { ...this.#access, nowMs: Date.now() });
    const answer = await ask(this.#door, { method: 'POST', path: '/', headers, body });
    const json = jsonOf(this.#door, answer);
    if (answer.status === 200) return json;
    const { __type = '', message, Message = message } = (json ?? {}) as Record<string, string | undefined>;
    const type = __type.slice(__type.lastIndexOf('#') + 1);
    const hint = HINTS[type]?.(this.#access);
    const text = Message ?? `${operation} was answered with status ${answer.status}.`;
    throw new ReadableFailure(
      [type === '' ? text : `${type}: ${text}`, hint].filter((part) => part !== undefined).join('\n'),
    );
  }
}

function viewSummary({ StreamName, StreamStatus, StreamModeDetails }: Summary) {
  return { name: StreamName, status: StreamStatus, mode: StreamModeDetails.StreamMode };
}

function viewShard({ ShardId, HashKeyRange, SequenceNumberRange, ParentShardId, AdjacentParentShardId }: Shard) {
  return {
    shardId: ShardId,
    open: SequenceNumberRange.EndingSequenceNumber === undefined,
    hashKeyRange: { start: HashKeyRange.StartingHashKey, end: HashKeyRange.EndingHashKey },
    parentShardIds: [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined),
    startingSequenceNumber: SequenceNumberRange.StartingSequenceNumber,
    endingSequenceNumber: SequenceNumberRange.EndingSequenceNumber,
  };
}
