import { array, bytes, int32, int64, nullableString, string, struct } from '../codec/field.ts';
import { message } from '../codec/message.ts';
import { coordinatorRecord } from './coordinator-record.ts';

/** The version that is written. */
export const GROUP_METADATA_VERSION = 3;

/** A group of the classic protocol, with its members. */
export const groupMetadataRecord = coordinatorRecord(
  2,
  message({ name: 'GroupMetadataKey', versions: [0, 0], fields: { group: string() } }),
  message({
    name: 'GroupMetadataValue',
    versions: [0, 4],
    flexibleFrom: 4,
    fields: {
      protocolType: string(),
      generation: int32(),
      protocol: nullableString(),
      leader: nullableString(),
      /** When it came into the state in which it is, in milliseconds since 1970. */
      currentStateTimestamp: int64({ since: 2, default: -1n, ignorable: true }),
      members: array(
        struct({
          memberId: string(),
          groupInstanceId: nullableString({ since: 3, default: null, ignorable: true }),
          clientId: string(),
          clientHost: string(),
          rebalanceTimeout: int32({ since: 1, default: -1, ignorable: true }),
          sessionTimeout: int32(),
          /** As the member brought it for the protocol that was chosen. */
          subscription: bytes(),
          assignment: bytes(),
        }),
      ),
    },
  }),
);
