import { array, bool, int16, int32, int8, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Brokers, controller and id of the cluster. */
export const describeClusterRequest = message({
  name: 'DescribeClusterRequest',
  key: 60,
  versions: [0, 2],
  flexibleFrom: 0,
  fields: {
    includeClusterAuthorizedOperations: bool(),
    /** 1 brokers, 2 controllers. */
    endpointType: int8({ since: 1, default: 1 }),
    includeFencedBrokers: bool({ since: 2, default: false }),
  },
});

/** The cluster as admin tools see it. */
export const describeClusterResponse = message({
  name: 'DescribeClusterResponse',
  key: 60,
  versions: [0, 2],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    /** 1 brokers, 2 controllers. */
    endpointType: int8({ since: 1, default: 1 }),
    clusterId: string(),
    /** The broker that admin requests go to. */
    controllerId: int32({ default: -1 }),
    brokers: array(
      struct({
        brokerId: int32(),
        host: string(),
        port: int32(),
        /** In our words the zone. */
        rack: nullableString({ default: null }),
        /** The broker is known, but takes no part. */
        isFenced: bool({ since: 2, default: false }),
      }),
    ),
    /** Bit set of permitted operations; the smallest int32 where it was not asked for. */
    clusterAuthorizedOperations: int32({ default: -0x8000_0000 }),
  },
});

export const describeClusterApi = api(describeClusterRequest, describeClusterResponse);
export type DescribeClusterRequest = Of<typeof describeClusterRequest>;
export type DescribeClusterResponse = Draft<typeof describeClusterResponse>;
