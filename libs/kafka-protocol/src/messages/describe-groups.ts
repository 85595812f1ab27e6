import { array, bool, bytes, int16, int32, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** The state and members of classic groups. */
export const describeGroupsRequest = message({
  name: 'DescribeGroupsRequest',
  key: 15,
  versions: [0, 6],
  flexibleFrom: 5,
  fields: {
    groups: array(string()),
    includeAuthorizedOperations: bool({ since: 3, default: false }),
  },
});

/** What is known of each group. */
export const describeGroupsResponse = message({
  name: 'DescribeGroupsResponse',
  key: 15,
  versions: [0, 6],
  flexibleFrom: 5,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ since: 1, default: 0, ignorable: true }),
    groups: array(
      struct({
        errorCode: int16(),
        errorMessage: nullableString({ since: 6, default: null }),
        groupId: string(),
        /** Such as `Stable`, `Empty` or `Dead`. */
        groupState: string(),
        /** `consumer` for consumers; a group has one type. */
        protocolType: string(),
        /** The chosen assignor. */
        protocolData: string(),
        members: array(
          struct({
            /** Given by the coordinator at the first join. */
            memberId: string(),
            /** Static membership (KIP-345). */
            groupInstanceId: nullableString({ since: 4, default: null, ignorable: true }),
            /** The name the client gives itself. */
            clientId: string(),
            /** Where the member connects from. */
            clientHost: string(),
            /** What the member brought along for the chosen protocol. */
            memberMetadata: bytes(),
            /** What the leader assigned to the member. */
            memberAssignment: bytes(),
          }),
        ),
        /** Bit set of permitted operations; the smallest int32 where it was not asked for. */
        authorizedOperations: int32({ since: 3, default: -0x8000_0000 }),
      }),
    ),
  },
});

export const describeGroupsApi = api(describeGroupsRequest, describeGroupsResponse);
export type DescribeGroupsRequest = Of<typeof describeGroupsRequest>;
export type DescribeGroupsResponse = Draft<typeof describeGroupsResponse>;
