/** What a transaction may be in, by the names that Kafka's tools show. */
export const transactionStates = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
] as const;
export type TransactionState = (typeof transactionStates)[number];

/** No epoch: nobody has had the id yet, or nobody may go on with the one before. */
export const NO_EPOCH = -1;
/** No producer id. */
export const NO_PRODUCER = -1n;

export interface TransactionTopic {
  readonly name: string;
  /** A topic that was deleted and made again has another id: it is not part of the transaction. */
  readonly topicId: string;
  readonly partitions: readonly number[];
}

/** The producer that holds a transactional id, and how its transaction stands: the whole state of a coordinator. */
export interface Transaction {
  readonly state: TransactionState;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  /** What the producer had before its epoch grew at its own wish: with it, it may ask again for an answer that was lost. */
  readonly lastProducerEpoch: number;
  /** The id whose epochs were used up; -1 for none. */
  readonly previousProducerId: bigint;
  /** The id that takes over when the end of the transaction is complete, because the epochs are used up; -1 for none. */
  readonly nextProducerId: bigint;
  /** A transaction that is open for longer is aborted. */
  readonly timeoutMs: number;
  /** Of the transaction that is open or was the last, in milliseconds since 1970; -1 before the first. */
  readonly startedAtMs: number;
  readonly changedAtMs: number;
  /** Grows each time that somebody else goes on with what one has begun: fences markers that come late. */
  readonly coordinatorEpoch: number;
  readonly topics: readonly TransactionTopic[];
  /** Groups with offsets that become valid by the commit. */
  readonly groups: readonly string[];
}

type TransactionJson = Omit<Transaction, 'producerId' | 'previousProducerId' | 'nextProducerId'> & {
  readonly producerId: string;
  readonly previousProducerId: string;
  readonly nextProducerId: string;
};

/** A document holds 1 MiB of UTF-8; names of topics are ASCII, those of groups may be anything. */
export const TRANSACTION_BYTES_MAX = 1_000_000;

/** The text to store. */
export function formatTransaction(transaction: Transaction): string {
  const json: TransactionJson = {
    ...transaction,
    producerId: transaction.producerId.toString(),
    previousProducerId: transaction.previousProducerId.toString(),
    nextProducerId: transaction.nextProducerId.toString(),
  };
  return JSON.stringify(json);
}

export function parseTransaction(text: string): Transaction {
  const json = JSON.parse(text) as TransactionJson;
  return {
    ...json,
    producerId: BigInt(json.producerId),
    previousProducerId: BigInt(json.previousProducerId),
    nextProducerId: BigInt(json.nextProducerId),
  };
}

/** Whether the transaction is being ended: decided for good, and not yet told to all of its partitions. */
export function isPrepared({ state }: Transaction): boolean {
  return state === 'PrepareCommit' || state === 'PrepareAbort';
}

/** Whether somebody has to look after it: it may time out, or is to be completed. */
export function isOpen(transaction: Transaction): boolean {
  return transaction.state === 'Ongoing' || isPrepared(transaction);
}

export function hasPartition({ topics }: Transaction, topicId: string, partition: number): boolean {
  return topics.some((topic) => topic.topicId === topicId && topic.partitions.includes(partition));
}

/** The topics of both, each named once, each partition named once. Answers `before` itself where nothing is new. */
export function withPartitions(
  before: readonly TransactionTopic[],
  added: readonly TransactionTopic[],
): readonly TransactionTopic[] {
  let topics = before;
  for (const { name, topicId, partitions } of added) {
    const known = topics.find((topic) => topic.topicId === topicId);
    if (known === undefined) {
      topics = [...topics, { name, topicId, partitions: [...new Set(partitions)] }];
      continue;
    }
    const present = new Set(known.partitions);
    const fresh = new Set(partitions.filter((partition) => !present.has(partition)));
    if (fresh.size === 0) continue;
    const grown = { ...known, partitions: [...known.partitions, ...fresh] };
    topics = topics.map((topic) => (topic === known ? grown : topic));
  }
  return topics;
}
