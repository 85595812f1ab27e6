import { array, int16, int32, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Delete groups that have no members, with their committed offsets. */
export const deleteGroupsRequest = message({
  name: 'DeleteGroupsRequest',
  key: 42,
  versions: [0, 2],
  flexibleFrom: 2,
  fields: {
    /** The ids of the groups. */
    groupsNames: array(string()),
  },
});

/** Which groups are gone. */
export const deleteGroupsResponse = message({
  name: 'DeleteGroupsResponse',
  key: 42,
  versions: [0, 2],
  flexibleFrom: 2,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    results: array(
      struct({
        groupId: string(),
        errorCode: int16(),
      }),
    ),
  },
});

export const deleteGroupsApi = api(deleteGroupsRequest, deleteGroupsResponse);
export type DeleteGroupsRequest = Of<typeof deleteGroupsRequest>;
export type DeleteGroupsResponse = Draft<typeof deleteGroupsResponse>;
