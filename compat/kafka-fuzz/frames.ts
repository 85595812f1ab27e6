import { readFileSync } from 'node:fs';
import { type Api, apisByKey, decodeRequest, encodeRequest, ZERO_UUID } from '@tailrace/kafka-protocol';
import { readConversations } from '@tailrace/kafka-protocol/testing';

/** A request as a client has sent it, taken apart. */
export interface KnownFrame {
  readonly api: Api;
  readonly version: number;
  readonly clientId: string | null;
  /** Header and body, without the length. */
  readonly bytes: Buffer;
  /** Takes the body apart anew: whoever asks may change it. */
  readonly body: () => Record<string, unknown>;
}

/** Topics that are there while the fuzz runs, by name, and their ids. */
export type Topics = ReadonlyMap<string, string>;

/** Requests of real clients: the fixtures of the repository, or a file of the same form. */
export function recordedFrames(file: string | undefined): KnownFrame[] {
  const requests =
    file === undefined
      ? readConversations().map(({ request }) => request)
      : readFileSync(file, 'utf8')
          .trimEnd()
          .split('\n')
          .map((line) => Buffer.from((JSON.parse(line) as { request: string }).request, 'base64'));
  return requests.flatMap((bytes) => knownFrame(bytes) ?? []);
}

/** Absent where the operation or its version is not known here. */
export function knownFrame(bytes: Buffer): KnownFrame | undefined {
  const key = bytes.readInt16BE(0);
  const version = bytes.readInt16BE(2);
  const api = apisByKey[key];
  if (api === undefined || version < api.versions[0] || version > api.versions[1]) return undefined;
  const decoded = () => decodeRequest(bytes, apisByKey);
  return { api, version, clientId: decoded().clientId, bytes, body: () => decoded().body as Record<string, unknown> };
}

/** The frame with its length in front. */
export function framed(bytes: Buffer): Buffer {
  const whole = Buffer.allocUnsafe(4 + bytes.length);
  whole.writeInt32BE(bytes.length, 0);
  whole.set(bytes, 4);
  return whole;
}

/** Encodes without the length in front. Throws where the body cannot be written. */
export function encoded(api: Api, version: number, clientId: string | null, body: unknown): Buffer {
  return Buffer.concat(encodeRequest(api.request, version, { correlationId: 0, clientId }, body as never)).subarray(4);
}

const GROUPS = ['fuzz-group-a', 'fuzz-group-b', 'fuzz-group-c'];
const TRANSACTIONS = ['fuzz-transaction-a', 'fuzz-transaction-b'];

/**
 * The same request about topics, groups and transactions that are there: what was recorded names others, and would be
 * refused at the first look.
 */
export function retargeted(frame: KnownFrame, topics: Topics, below: (limit: number) => number): KnownFrame {
  const names = [...topics.keys()];
  const pick = (list: readonly string[]) => list[below(list.length)] as string;
  const visit = (value: unknown, owner: string): void => {
    if (Array.isArray(value)) {
      const list = value as unknown[];
      for (const [at, element] of list.entries()) {
        if (typeof element === 'string') list[at] = renamed(owner, element);
        else visit(element, owner);
      }
    } else if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value)) {
      const fields = value as Record<string, unknown>;
      for (const [name, field] of Object.entries(fields)) {
        const path = name === 'name' || name === 'topicName' ? `${owner}.${name}` : name;
        if (typeof field === 'string') fields[name] = renamed(path, field);
        else visit(field, name);
      }
    }
  };
  const renamed = (path: string, text: string): string => {
    // What the version does not carry stands at its default, and has to stay there.
    if (text === '' || text === ZERO_UUID) return text;
    if (/^topic$|topic[a-z]*\.name$|topicName$|topicNames$|subscribedTopicNames/i.test(path)) return pick(names);
    if (/topicId/i.test(path)) return topics.get(pick(names)) as string;
    if (/^groupId$|^groupsNames$|^groupIds$|^groups$/.test(path)) return pick(GROUPS);
    if (/^transactionalId$|^transactionalIds$/.test(path)) return pick(TRANSACTIONS);
    return text;
  };
  const body = frame.body();
  visit(body, '');
  const { api, version, clientId } = frame;
  return knownFrame(encoded(api, version, clientId, body)) ?? frame;
}
