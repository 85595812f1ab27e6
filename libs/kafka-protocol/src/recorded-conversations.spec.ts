import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  apis,
  apisByKey,
  checkBatch,
  type Compression,
  decodeBatch,
  decodeRequest,
  decodeResponse,
  encodeBatch,
  encodeRequest,
  encodeResponse,
  errorCodes,
  type FetchResponse,
  type ProduceRequest,
  readRequestHeader,
} from './index.ts';
import { type Conversation, readConversations } from './testing/conversations.ts';
import { Random } from './testing/random.ts';
import { expectSame, outcomeOf } from './testing/refusal.ts';

const all = readConversations();
// Three clients asked for a version of ApiVersions that the broker did not know.
const known = all.filter(({ note }) => note === undefined);

const apiOf = ({ key }: Conversation) => {
  const api = apisByKey[key];
  if (api === undefined) throw new Error(`no API with key ${key}`);
  return api;
};

const readRequest = (frame: Buffer) => {
  const header = readRequestHeader(frame, apisByKey);
  // A mutated header may name an operation that does not exist; a broker answers that with an error.
  return header.api === undefined ? undefined : decodeRequest(frame, apisByKey);
};

/** Nobody authenticated, no console looked around or set anything, and nobody used the consumer protocol. */
const NOT_RECORDED = [
  'SaslHandshake', 'DescribeAcls', 'CreateAcls', 'DeleteAcls', 'AlterReplicaLogDirs', 'DescribeLogDirs', 'SaslAuthenticate',
  'ElectLeaders', 'AlterPartitionReassignments', 'ListPartitionReassignments', 'DescribeClientQuotas', 'AlterClientQuotas',
  'DescribeUserScramCredentials', 'AlterUserScramCredentials', 'UpdateFeatures', 'DescribeTransactions', 'ListTransactions',
  'ConsumerGroupHeartbeat', 'ConsumerGroupDescribe', 'ListConfigResources', 'DescribeTopicPartitions',
  'ShareGroupHeartbeat', 'ShareGroupDescribe', 'ShareFetch', 'ShareAcknowledge', 'DescribeShareGroupOffsets',
  'AlterShareGroupOffsets', 'DeleteShareGroupOffsets',
]; // prettier-ignore

/** Up to here a frame is cut at every length; 870 of the 930 are this small. */
const CUT_EVERYWHERE_BYTES_MAX = 1024;

/** So many lengths at either end of a larger frame, and as many between: every cut of those too takes a minute and a half. */
const CUTS_OF_LARGE = 32;

function cutsOf(frame: Buffer, random: Random): number[] {
  if (frame.length <= CUT_EVERYWHERE_BYTES_MAX || process.env['TAILRACE_EVERY_CUT'] === '1')
    return Array.from({ length: frame.length }, (_, length) => length);
  const ends = Array.from({ length: CUTS_OF_LARGE }, (_, i) => i);
  return [...ends, ...ends.map((i) => frame.length - 1 - i), ...ends.map(() => random.below(frame.length))];
}

describe('recorded conversations', () => {
  // Hundreds of thousands of refusals, whose stack traces nobody reads.
  const { stackTraceLimit } = Error;
  beforeAll(() => void (Error.stackTraceLimit = 0));
  afterAll(() => void (Error.stackTraceLimit = stackTraceLimit));

  it('cover most operations', () => {
    expect(known.length).toBe(462);
    const recorded = new Set(known.map(({ key }) => key));
    expect(apis.filter(({ key }) => !recorded.has(key)).map(({ name }) => name)).toEqual(NOT_RECORDED);
  });

  it('are decoded and encoded again to the same bytes', () => {
    const wrong: string[] = [];
    for (const conversation of known) {
      const { version, request, response, client } = conversation;
      const api = apiOf(conversation);
      const { body, correlationId, clientId } = decodeRequest(request, apisByKey);
      const again = Buffer.concat(encodeRequest(api.request, version, { correlationId, clientId }, body as never));
      if (again.readInt32BE(0) !== request.length || !again.subarray(4).equals(request))
        wrong.push(`${api.name} v${version} request of ${client}`);
      if (response === undefined) continue;
      const answer = decodeResponse(api.response, version, response);
      const answerAgain = Buffer.concat(
        encodeResponse(api.response, version, answer.correlationId, answer.body as never),
      );
      if (answer.correlationId !== correlationId) wrong.push(`${api.name} v${version} correlation id`);
      if (answerAgain.readInt32BE(0) !== response.length || !answerAgain.subarray(4).equals(response))
        wrong.push(`${api.name} v${version} response to ${client}`);
    }
    expect(wrong).toEqual([]);
  });

  it('are refused when they are cut anywhere', () => {
    const random = new Random(7);
    const accepted: string[] = [];
    for (const conversation of known) {
      const { version, request, response } = conversation;
      const api = apiOf(conversation);
      for (const length of cutsOf(request, random)) {
        if (outcomeOf(() => readRequest(request.subarray(0, length))) === 'value')
          accepted.push(`${api.name} v${version} request cut to ${length}`);
      }
      if (response === undefined) continue;
      for (const length of cutsOf(response, random)) {
        if (outcomeOf(() => decodeResponse(api.response, version, response.subarray(0, length))) === 'value') {
          accepted.push(`${api.name} v${version} response cut to ${length}`);
        }
      }
    }
    expect(accepted).toEqual([]);
  });

  it('are refused when a byte follows', () => {
    for (const { request } of known) {
      expect(outcomeOf(() => readRequest(Buffer.concat([request, Buffer.from([0])])))).toBe('refused');
    }
  });

  it('are read or refused, never more, when bytes in them are changed', () => {
    const random = new Random(20_261_123);
    const outcomes = { value: 0, refused: 0 };
    for (let i = 0; i < 50_000; i++) {
      const conversation = random.oneOf(known);
      const isRequest = conversation.response === undefined || random.below(2) === 0;
      const mutated = Buffer.from(isRequest ? conversation.request : conversation.response);
      const changes = 1 + random.below(3);
      for (let change = 0; change < changes; change++) {
        mutated[random.below(mutated.length)] = random.oneOf([0, 1, 0x7f, 0x80, 0xff, random.below(256)]);
      }
      const read = isRequest
        ? () => readRequest(mutated)
        : () => decodeResponse(apiOf(conversation).response, conversation.version, mutated);
      outcomes[outcomeOf(read)]++;
    }
    expect(outcomes.value).toBeGreaterThan(1000);
    expect(outcomes.refused).toBeGreaterThan(1000);
  });

  it('hold a request in a version that the broker does not know, and its refusal in version 0', () => {
    const unknown = all.filter(({ note }) => note !== undefined);
    expect(unknown.length).toBe(3);
    for (const { request, response } of unknown) {
      const header = readRequestHeader(request, apisByKey);
      expect(header).toMatchObject({ apiKey: 18, apiVersion: 5, api: undefined });
      const api = apisByKey[18];
      const answer = decodeResponse(api!.response, 0, response as Buffer);
      expect(answer.correlationId).toBe(header.correlationId);
      expect(answer.body).toMatchObject({
        errorCode: errorCodes.UNSUPPORTED_VERSION,
        apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }],
      });
    }
  });
});

describe('batches in recorded conversations', () => {
  const batches: Buffer[] = [];
  for (const conversation of known) {
    if (conversation.key === 0) {
      const { topicData } = decodeRequest(conversation.request, apisByKey).body as ProduceRequest;
      for (const { partitionData } of topicData)
        for (const { records } of partitionData) if (records !== null) batches.push(records);
    } else if (conversation.key === 1 && conversation.response !== undefined) {
      const { responses } = decodeResponse(apisByKey[1]!.response, conversation.version, conversation.response)
        .body as FetchResponse;
      for (const { partitions } of responses)
        for (const { records } of partitions)
          if (records !== null && records.length > 0) batches.push(records as Buffer);
    }
  }

  it('are whole, and encode again to the same bytes', () => {
    const seen: Partial<Record<Compression, number>> = {};
    for (const records of batches) {
      for (let position = 0; position < records.length;) {
        const check = checkBatch(records, position, records.length);
        if (!check.ok) throw new Error(check.reason);
        const { header } = check;
        const batch = records.subarray(position, position + header.sizeBytes);
        const compression = header.compression!;
        seen[compression] = (seen[compression] ?? 0) + 1;
        const decoded = decodeBatch(records, position, header, { uncompressedBytesMax: 1024 * 1024 });
        const again = encodeBatch(decoded, {
          baseOffset: header.baseOffset,
          leaderEpoch: header.leaderEpoch,
          producer: { id: header.producerId, epoch: header.producerEpoch, baseSequence: header.baseSequence },
          compression,
          isTransactional: header.isTransactional,
          isControl: header.isControl,
          timestampType: header.timestampType,
        });
        const checkAgain = checkBatch(again, 0, again.length);
        if (!checkAgain.ok) throw new Error(checkAgain.reason);
        // Two compressors rarely agree on the bytes; the records are the same.
        if (compression === 'none') expect(again.equals(batch)).toBe(true);
        else
          expectSame(
            contentOf(decodeBatch(again, 0, checkAgain.header, { uncompressedBytesMax: 1024 * 1024 })),
            contentOf(decoded),
          );
        position += header.sizeBytes;
      }
    }
    expect(seen).toEqual({ none: 43, gzip: 28, snappy: 63, zstd: 17 });
  });
});

function contentOf(records: ReturnType<typeof decodeBatch>): unknown {
  return records.map(({ offsetDelta, timestampMs, key, value, headers }) => ({
    offsetDelta,
    timestampMs,
    key,
    value,
    headers,
  }));
}
