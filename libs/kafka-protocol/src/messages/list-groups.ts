import { array, int16, int32, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Which groups this broker coordinates. */
export const listGroupsRequest = message({
  name: 'ListGroupsRequest',
  key: 16,
  versions: [0, 5],
  flexibleFrom: 3,
  fields: {
    /** Only groups in these states; empty asks for all. */
    statesFilter: array(string(), { since: 4, default: [] }),
    /** Only groups of these types; empty asks for all. */
    typesFilter: array(string(), { since: 5, default: [] }),
  },
});

/** The groups found. */
export const listGroupsResponse = message({
  name: 'ListGroupsResponse',
  key: 16,
  versions: [0, 5],
  flexibleFrom: 3,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32({ since: 1, default: 0, ignorable: true }),
    errorCode: int16(),
    groups: array(
      struct({
        groupId: string(),
        /** `consumer` for consumers; a group has one type. */
        protocolType: string(),
        groupState: string({ since: 4, default: '', ignorable: true }),
        /** `classic`, `consumer` (KIP-848) or `share` (KIP-932). */
        groupType: string({ since: 5, default: '', ignorable: true }),
      }),
    ),
  },
});

export const listGroupsApi = api(listGroupsRequest, listGroupsResponse);
export type ListGroupsRequest = Of<typeof listGroupsRequest>;
export type ListGroupsResponse = Draft<typeof listGroupsResponse>;
