import { describeClusterApi, errorCodes } from '@tailrace/kafka-protocol';
import { CLUSTER_OPERATIONS, OPERATIONS_NOT_ASKED } from '../topics/authorized-operations.ts';
import { handler } from './handler.ts';

/** Who is asked: brokers or controllers. */
const BROKERS = 1;
const CONTROLLERS = 2;

/**
 * DescribeCluster: who the brokers are.
 * Errors: MISMATCHED_ENDPOINT_TYPE (controllers: every bridge does everything, and shows itself as a broker),
 * UNSUPPORTED_ENDPOINT_TYPE.
 */
export const describeCluster = handler({
  api: describeClusterApi,
  versions: describeClusterApi.advertised,
  run({ endpointType, includeClusterAuthorizedOperations }, exchange, { brokers, clusterId }) {
    if (endpointType !== BROKERS) {
      const errorCode =
        endpointType === CONTROLLERS ? errorCodes.MISMATCHED_ENDPOINT_TYPE : errorCodes.UNSUPPORTED_ENDPOINT_TYPE;
      const errorMessage =
        endpointType === CONTROLLERS
          ? 'The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER'
          : `Unsupported endpoint type ${endpointType}`;
      exchange.noteError(errorCode);
      return { throttleTimeMs: 0, errorCode, errorMessage, clusterId: '', controllerId: -1, brokers: [] };
    }
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      errorMessage: null,
      clusterId,
      controllerId: brokers.controller.nodeId,
      brokers: brokers.brokers.map(({ nodeId, host, port, rack }) => ({
        brokerId: nodeId,
        host,
        port,
        rack: rack ?? null,
        isFenced: false,
      })),
      clusterAuthorizedOperations: includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : OPERATIONS_NOT_ASKED,
    };
  },
});
