import { type ErrorCode, errorCodes, findCoordinatorApi } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { transactionOwnerName } from '../transactions/transaction-keys.ts';
import { handler } from './handler.ts';

const GROUP = 0;
const TRANSACTION = 1;
const BATCHED_SINCE = 4;

interface Found {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

/**
 * FindCoordinator: which live bridge answers for a group or a transactional id.
 * Errors: INVALID_REQUEST (another kind of key).
 */
export const findCoordinator = handler({
  api: findCoordinatorApi,
  versions: findCoordinatorApi.advertised,
  run({ key, keyType, coordinatorKeys }, exchange, bridge) {
    if (exchange.header.apiVersion < BATCHED_SINCE) {
      const found = find(key, keyType, bridge);
      exchange.noteError(found.errorCode);
      return { throttleTimeMs: 0, ...found };
    }
    const coordinators = coordinatorKeys.map((one) => ({ key: one, ...find(one, keyType, bridge) }));
    for (const { errorCode } of coordinators) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, coordinators };
  },
});

function find(key: string, keyType: number, { brokers }: Bridge): Found {
  if (keyType !== GROUP && keyType !== TRANSACTION) {
    const errorMessage = `key type ${keyType} has no coordinator here`;
    return { errorCode: errorCodes.INVALID_REQUEST, errorMessage, nodeId: -1, host: '', port: -1 };
  }
  const { nodeId, host, port } =
    keyType === GROUP ? brokers.coordinatorOf(key) : brokers.ownerOf(transactionOwnerName(key));
  return { errorCode: errorCodes.NONE, errorMessage: null, nodeId, host, port };
}
