import type { ConsumerMemberDocument } from './consumer-group-document.ts';
import { formatPartitions, parseEpochedPartitions, parsePartitionSets } from './consumer-group-document.ts';
import { Deadline } from './deadline.ts';
import type { GroupProtocol } from './group-requests.ts';
import type { CurrentAssignment } from './reconciliation.ts';
import { NO_PARTITIONS, type PartitionSets } from './topic-partitions.ts';
import type { Timers } from './timers.ts';

/** What is known beside of a member that speaks the classic protocol in a consumer group. */
export interface ClassicMembership {
  readonly sessionTimeoutMs: number;
  readonly protocols: readonly GroupProtocol[];
}

/** What a member says of itself. */
export interface ConsumerMemberFacts {
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Absent where it names all topics itself. */
  readonly principal?: string;
  readonly rebalanceTimeoutMs: number;
  /** Sorted, each once. */
  readonly topicNames: readonly string[];
  readonly topicRegex: string;
  readonly serverAssignor: string | null;
  readonly classic: ClassicMembership | undefined;
}

const NOTHING_YET: CurrentAssignment = {
  memberEpoch: 0,
  previousMemberEpoch: 0,
  state: 'stable',
  assigned: NO_PARTITIONS,
  revoking: NO_PARTITIONS,
};

/** A member of a consumer group, of either protocol. */
export class ConsumerMember {
  readonly memberId: string;
  facts: ConsumerMemberFacts;
  current: CurrentAssignment = NOTHING_YET;
  target: PartitionSets = NO_PARTITIONS;
  /** By when it must show itself. */
  readonly session: Deadline;
  /** By when it must have given partitions back; of a classic member: have joined or synced. */
  readonly rebalance: Deadline;

  constructor(
    memberId: string,
    facts: ConsumerMemberFacts,
    timers: Timers,
    expired: (member: ConsumerMember, why: 'session' | 'rebalance') => void,
  ) {
    this.memberId = memberId;
    this.facts = facts;
    this.session = new Deadline(timers, () => expired(this, 'session'));
    this.rebalance = new Deadline(timers, () => expired(this, 'rebalance'));
  }

  stopTimers(): void {
    this.session.clear();
    this.rebalance.clear();
  }

  supports(protocolName: string): boolean {
    return this.facts.classic?.protocols.some(({ name }) => name === protocolName) ?? false;
  }

  document(): ConsumerMemberDocument {
    const { classic, ...facts } = this.facts;
    const { assigned, revoking, ...current } = this.current;
    return {
      memberId: this.memberId,
      ...facts,
      ...current,
      assigned: formatPartitions(assigned),
      revoking: formatPartitions(revoking),
      target: formatPartitions(this.target),
      classic:
        classic === undefined
          ? null
          : {
              sessionTimeoutMs: classic.sessionTimeoutMs,
              protocols: classic.protocols.map(({ name, metadata }) => ({
                name,
                metadata: metadata.toString('base64'),
              })),
            },
    };
  }

  /** Takes over what was kept of it; `facts` are given to the constructor by `factsOf`. */
  restore(document: ConsumerMemberDocument): void {
    const { memberEpoch, previousMemberEpoch, state } = document;
    this.current = {
      memberEpoch,
      previousMemberEpoch,
      state,
      assigned: parseEpochedPartitions(document.assigned),
      revoking: parsePartitionSets(document.revoking),
    };
    this.target = parsePartitionSets(document.target);
  }
}

export function factsOf(document: ConsumerMemberDocument): ConsumerMemberFacts {
  const {
    instanceId,
    rackId,
    clientId,
    clientHost,
    principal,
    rebalanceTimeoutMs,
    topicNames,
    topicRegex,
    serverAssignor,
  } = document;
  const classic = document.classic ?? undefined;
  return {
    instanceId,
    rackId,
    clientId,
    clientHost,
    ...(principal === undefined ? {} : { principal }),
    rebalanceTimeoutMs,
    topicNames,
    topicRegex,
    serverAssignor,
    classic: classic && {
      sessionTimeoutMs: classic.sessionTimeoutMs,
      protocols: classic.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata, 'base64') })),
    },
  };
}
