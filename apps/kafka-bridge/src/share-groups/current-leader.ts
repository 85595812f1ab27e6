import { type ErrorCode, errorCodes } from '@tailrace/kafka-protocol';
import type { Broker } from '../brokers/broker-registry.ts';
import type { Bridge } from '../bridge.ts';

export interface CurrentLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

const NOT_TOLD: CurrentLeader = { leaderId: -1, leaderEpoch: -1 };

/** Tells who leads the partitions that this bridge does not, which spares clients a Metadata request. */
export class LeaderHints {
  readonly #bridge: Bridge;
  readonly #brokers = new Map<number, Broker>();

  constructor(bridge: Bridge) {
    this.#bridge = bridge;
  }

  of(errorCode: ErrorCode, topicId: string, partition: number): CurrentLeader {
    const { brokers, catalog, leaderEpochs } = this.#bridge;
    if (errorCode !== errorCodes.NOT_LEADER_OR_FOLLOWER) return NOT_TOLD;
    const one = catalog.peekById(topicId)?.partitions[partition];
    if (one === undefined) return NOT_TOLD;
    const leader = brokers.leaderOf(topicId, partition);
    this.#brokers.set(leader.nodeId, leader);
    return { leaderId: leader.nodeId, leaderEpoch: leaderEpochs.of(one.appendTo.key) };
  }

  /** Addresses of those that were named. */
  get endpoints() {
    return [...this.#brokers.values()].map(({ nodeId, host, port, rack = null }) => ({ nodeId, host, port, rack }));
  }
}
