import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  apisByKey,
  decodeRequest,
  decodeResponse,
  errorName,
  readRequestHeader,
  responseHeaderVersion,
} from '@tailrace/kafka-protocol';
import { handlersByKey } from '../src/handlers/index.ts';
import { type DoorUnderTest, openDoorUnderTest } from '../src/testing/door-under-test.ts';
import { WireClient } from '../src/testing/wire-client.ts';

/** Conversations between real clients and a real broker, where they lie beside the repository; see its README. */
function findFrames(): string | undefined {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = join(folder, '..', 'shared', 'kafka-frames', 'frames.jsonl');
    if (existsSync(file)) return file;
    if (dirname(folder) === folder) return undefined;
    folder = dirname(folder);
  }
}

interface Conversation {
  readonly key: number;
  readonly version: number;
  readonly client: string;
  readonly request: string;
  readonly response: string;
  readonly note?: string;
}

const file = findFrames();
const conversations =
  file === undefined
    ? []
    : readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Conversation);
const ours = conversations.filter(({ key, note }) => handlersByKey[key] !== undefined && note === undefined);
const PRODUCE = 0;
/** Operations that none of the recorded clients has used. */
const NOT_RECORDED = new Set([
  'AlterReplicaLogDirs',
  'DescribeLogDirs',
  'ListConfigResources',
  'SaslAuthenticate',
  'SaslHandshake',
  'ShareGroupDescribe',
  'UpdateFeatures',
]);

/** The same fields, with the same kinds of values, at every level. An array stands for its first element. */
function shapeOf(value: unknown): unknown {
  if (value === null) return 'null';
  if (Buffer.isBuffer(value)) return 'bytes';
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== 'object') return typeof value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== 'unknownTags').map(([name, field]) => [name, shapeOf(field)])); // prettier-ignore
}

/** Whether the answer has everything the broker's had. Where one is empty or null, the other may be anything. */
function fits(ours: unknown, theirs: unknown): boolean {
  if (ours === 'null' || theirs === 'null') return true;
  if (Array.isArray(ours) && Array.isArray(theirs))
    return ours.length === 0 || theirs.length === 0 || fits(ours[0], theirs[0]);
  if (typeof ours !== 'object' || typeof theirs !== 'object') return ours === theirs;
  const a = ours as Record<string, unknown>;
  const b = theirs as Record<string, unknown>;
  return Object.keys(a).join() === Object.keys(b).join() && Object.keys(a).every((name) => fits(a[name], b[name]));
}

(file === undefined ? describe.skip : describe)('what real clients have said to Kafka', () => {
  let under: DoorUnderTest;
  beforeAll(async () => {
    under = await openDoorUnderTest({ initialRebalanceDelayMs: 5 });
  });
  afterAll(() => under.close());

  it('is recorded for every operation of this door, but for those named here', () => {
    const recorded = new Set(ours.map(({ key }) => key));
    const others = handlersByKey.flatMap((handler) => (handler && !recorded.has(handler.api.key) ? [handler.api.name] : [])); // prettier-ignore
    expect(others.filter((name) => !NOT_RECORDED.has(name))).toEqual([]);
  });

  it.each([...new Set(ours.map(({ key, version }) => `${key} ${version}`))])(
    'is answered in the same shape: API %s',
    async (which) => {
      const [key, version] = which.split(' ').map(Number) as [number, number];
      for (const conversation of ours.filter((one) => one.key === key && one.version === version)) {
        const frame = Buffer.from(conversation.request, 'base64');
        const { api, correlationId } = readRequestHeader(frame, apisByKey);
        if (api === undefined) throw new Error(`API ${which} is not known`);
        const { body } = decodeRequest(frame, apisByKey);
        if (key === PRODUCE && (body as { acks: number }).acks === 0) continue;
        const client = await WireClient.connect(under.address);
        const prefix = Buffer.alloc(4);
        prefix.writeInt32BE(frame.length);
        const answer = await client.exchange(Buffer.concat([prefix, frame]));
        client.close();
        const theirs = decodeResponse(api.response, version, Buffer.from(conversation.response, 'base64'));
        const given = decodeResponse(api.response, version, answer);
        expect([given.correlationId, responseHeaderVersion(api.response, version)]).toEqual([
          correlationId,
          responseHeaderVersion(api.response, version),
        ]);
        const [mine, other] = [shapeOf(given.body), shapeOf(theirs.body)];
        if (!fits(mine, other)) expect(mine).toEqual(other);
        expect(errorName((given.body as { errorCode?: number }).errorCode ?? 0)).toBeDefined();
      }
    },
  );
});
