import {
  consumerProtocolAssignment,
  type ConsumerProtocolSubscription,
  consumerProtocolSubscription,
  decode,
  encode,
  MalformedFrame,
} from '@tailrace/kafka-protocol';
import { eachPartition, addTo, type TopicPartitions } from './topic-partitions.ts';

/** The protocol type of consumers. */
export const CONSUMER_PROTOCOL = 'consumer';
const VERSION_BYTES = 2;
const VERSION_MAX = consumerProtocolSubscription.versions[1];

/** What a consumer brings along to a classic group, behind its version; `undefined` when it is none of a consumer. */
export function readSubscription(
  metadata: Buffer,
): (ConsumerProtocolSubscription & { readonly version: number }) | undefined {
  const version = readVersion(metadata);
  if (version === undefined) return undefined;
  return unlessMalformed(() => ({
    ...decode(consumerProtocolSubscription, version, metadata.subarray(VERSION_BYTES)),
    version,
  }));
}

/** What a classic group's leader gave to a consumer, by topic name; `undefined` when it is nothing of the kind. */
export function readAssignment(
  assignment: Buffer,
): { readonly partitions: ReadonlyMap<string, ReadonlySet<number>>; readonly hasUserData: boolean } | undefined {
  const partitions = new Map<string, Set<number>>();
  if (assignment.length === 0) return { partitions, hasUserData: false };
  const version = readVersion(assignment);
  if (version === undefined) return undefined;
  const read = unlessMalformed(() => decode(consumerProtocolAssignment, version, assignment.subarray(VERSION_BYTES)));
  if (read === undefined) return undefined;
  for (const { topic, partitions: its } of read.assignedPartitions)
    for (const partition of its) addTo(partitions, topic, partition);
  return { partitions, hasUserData: (read.userData?.length ?? 0) > 0 };
}

/** The same the other way; topics that have no name any more are left out. */
export function writeAssignment(
  partitions: TopicPartitions,
  version: number,
  nameOf: (topicId: string) => string | undefined,
): Buffer {
  const byName = new Map<string, number[]>();
  for (const [topicId, partition] of eachPartition(partitions)) {
    const name = nameOf(topicId);
    if (name === undefined) continue;
    const its = byName.get(name);
    if (its === undefined) byName.set(name, [partition]);
    else its.push(partition);
  }
  const head = Buffer.alloc(VERSION_BYTES);
  head.writeInt16BE(version);
  const assignedPartitions = [...byName].map(([topic, its]) => ({ topic, partitions: its.sort((a, b) => a - b) }));
  return Buffer.concat([head, ...encode(consumerProtocolAssignment, version, { assignedPartitions })]);
}

/** A newer version is read as the newest that is known here, as the protocol demands of everybody. */
function readVersion(bytes: Buffer): number | undefined {
  if (bytes.length < VERSION_BYTES) return undefined;
  const version = bytes.readInt16BE(0);
  return version < 0 ? undefined : Math.min(version, VERSION_MAX);
}

function unlessMalformed<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof MalformedFrame) return undefined;
    throw error;
  }
}
