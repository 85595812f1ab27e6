import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import type { Exchange } from '../connection/exchange.ts';
import { readAcknowledgements } from './acknowledgement-batches.ts';

/** What came of the acknowledgements in one partition. */
export interface Acknowledged {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
}

interface AcknowledgedTopic {
  readonly topicId: string;
  readonly partitions: readonly {
    readonly partitionIndex: number;
    readonly acknowledgementBatches: Parameters<typeof readAcknowledgements>[0];
  }[];
}

/** Whether a request acknowledges anything. */
export function hasAcknowledgements(topics: readonly AcknowledgedTopic[]): boolean {
  return topics.some(({ partitions }) => partitions.some((one) => one.acknowledgementBatches.length > 0));
}

/**
 * Takes what a member says of its records, in all partitions for which it says anything, and answers by `<topic id>/<partition>`
 * when that is durable. In this order: TOPIC_AUTHORIZATION_FAILED, INVALID_REQUEST, UNKNOWN_TOPIC_ID,
 * UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER, INVALID_RECORD_STATE; KAFKA_STORAGE_ERROR when the store is away.
 */
export async function acknowledgeRecords(
  member: { readonly groupId: string; readonly memberId: string },
  topics: readonly AcknowledgedTopic[],
  isRenewAck: boolean,
  exchange: Exchange,
  bridge: Bridge,
): Promise<ReadonlyMap<string, Acknowledged>> {
  const { groupId, memberId } = member;
  const { settings, partitions: sharePartitions } = bridge.shareGroups;
  const mayRenew = isRenewAck && settings.of(groupId).mayRenew;
  const one = async (
    topicId: string,
    partition: number,
    batches: Parameters<typeof readAcknowledgements>[0],
  ): Promise<Acknowledged> => {
    if (exchange.mayRead?.('', topicId) === false) return failed(errorCodes.TOPIC_AUTHORIZATION_FAILED);
    const ranges = readAcknowledgements(batches, mayRenew);
    if (typeof ranges === 'string') return failed(errorCodes.INVALID_REQUEST, ranges);
    const held = sharePartitions.holdToAcknowledge({ groupId, topicId, partition });
    if (typeof held === 'number') return failed(held);
    return failed(await held.acknowledge(memberId, ranges));
  };
  const all: Promise<readonly [string, Acknowledged]>[] = [];
  for (const { topicId, partitions } of topics) {
    for (const { partitionIndex, acknowledgementBatches } of partitions) {
      if (acknowledgementBatches.length === 0) continue;
      const outcome = one(topicId, partitionIndex, acknowledgementBatches);
      all.push(outcome.then((acknowledged) => [`${topicId}/${partitionIndex}`, acknowledged]));
    }
  }
  return new Map(await Promise.all(all));
}

/** NONE too. */
function failed(errorCode: ErrorCode, errorMessage: string | null = null): Acknowledged {
  return { errorCode, errorMessage };
}
