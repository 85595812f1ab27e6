import { array, int32, nullableBytes, string, struct } from '../codec/field.ts';
import { message, type Of } from '../codec/message.ts';

/** What the leader of a classic group hands to a member (`SyncGroupRequest.assignments.assignment`). */
export const consumerProtocolAssignment = message({
  name: 'ConsumerProtocolAssignment',
  versions: [0, 3],
  fields: {
    assignedPartitions: array(
      struct({
        topic: string(),
        partitions: array(int32()),
      }),
    ),
    /** Of the assignor; the broker does not look at it. */
    userData: nullableBytes({ default: null }),
  },
});

export type ConsumerProtocolAssignment = Of<typeof consumerProtocolAssignment>;
