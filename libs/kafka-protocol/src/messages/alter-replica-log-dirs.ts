import { array, int16, int32, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Move copies of partitions to another directory of the same broker. */
export const alterReplicaLogDirsRequest = message({
  name: 'AlterReplicaLogDirsRequest',
  key: 34,
  versions: [1, 2],
  flexibleFrom: 2,
  fields: {
    dirs: array(
      struct({
        /** The directory that they shall lie in. */
        path: string(),
        topics: array(
          struct({
            name: string(),
            partitions: array(int32()),
          }),
        ),
      }),
    ),
  },
});

/** Which partitions are on their way. */
export const alterReplicaLogDirsResponse = message({
  name: 'AlterReplicaLogDirsResponse',
  key: 34,
  versions: [1, 2],
  flexibleFrom: 2,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    results: array(
      struct({
        topicName: string(),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
          }),
        ),
      }),
    ),
  },
});

export const alterReplicaLogDirsApi = api(alterReplicaLogDirsRequest, alterReplicaLogDirsResponse);
export type AlterReplicaLogDirsRequest = Of<typeof alterReplicaLogDirsRequest>;
export type AlterReplicaLogDirsResponse = Draft<typeof alterReplicaLogDirsResponse>;
