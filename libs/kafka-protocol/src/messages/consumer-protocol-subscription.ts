import { array, int32, nullableBytes, nullableString, string, struct } from '../codec/field.ts';
import { message, type Of } from '../codec/message.ts';

/** What a consumer brings along when it joins a classic group (`JoinGroupRequest.protocols.metadata`). */
export const consumerProtocolSubscription = message({
  name: 'ConsumerProtocolSubscription',
  versions: [0, 3],
  fields: {
    topics: array(string()),
    /** Of the assignor; the broker does not look at it. */
    userData: nullableBytes({ default: null }),
    /** What the consumer holds now, for assignors that move as little as possible. */
    ownedPartitions: array(
      struct({
        topic: string(),
        partitions: array(int32()),
      }),
      { since: 1, default: [], ignorable: true },
    ),
    /** The generation in which it held them. */
    generationId: int32({ since: 2, default: -1, ignorable: true }),
    /** Where the consumer stands. */
    rackId: nullableString({ since: 3, default: null, ignorable: true }),
  },
});

export type ConsumerProtocolSubscription = Of<typeof consumerProtocolSubscription>;
