import { type ErrorCode, errorCodes, findCoordinatorApi } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import type { Broker } from '../brokers/broker-registry.ts';
import { transactionOwnerName } from '../transactions/transaction-keys.ts';
import { handler } from './handler.ts';

const GROUP = 0;
const TRANSACTION = 1;
/** A share-partition, `<group>:<topic id>:<partition>`; in Kafka only brokers ask for it. */
const SHARE = 2;
const BATCHED_SINCE = 4;
const SHARE_SINCE = 6;
const SHARE_KEY = /^.+:([\w-]{22}):(\d{1,9})$/s;

interface Found {
  readonly errorCode: ErrorCode;
  readonly errorMessage: string | null;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

/**
 * FindCoordinator: which live bridge answers for a group or a transactional id, or keeps the state of a share-partition.
 * Errors: INVALID_REQUEST (another kind of key, or one that is no share-partition's).
 */
export const findCoordinator = handler({
  api: findCoordinatorApi,
  versions: findCoordinatorApi.advertised,
  run({ key, keyType, coordinatorKeys }, exchange, bridge) {
    if (exchange.header.apiVersion < BATCHED_SINCE) {
      const found = find(key, keyType, exchange.header.apiVersion, bridge);
      exchange.noteError(found.errorCode);
      return { throttleTimeMs: 0, ...found };
    }
    const coordinators = coordinatorKeys.map((one) => ({
      key: one,
      ...find(one, keyType, exchange.header.apiVersion, bridge),
    }));
    for (const { errorCode } of coordinators) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, coordinators };
  },
});

function find(key: string, keyType: number, apiVersion: number, bridge: Bridge): Found {
  const broker = ownerOf(key, keyType, apiVersion, bridge);
  if (typeof broker === 'string')
    return { errorCode: errorCodes.INVALID_REQUEST, errorMessage: broker, nodeId: -1, host: '', port: -1 };
  const { nodeId, host, port } = broker;
  return { errorCode: errorCodes.NONE, errorMessage: null, nodeId, host, port };
}

/** The bridge, or why there is none. */
function ownerOf(key: string, keyType: number, apiVersion: number, { brokers }: Bridge): Broker | string {
  if (keyType === GROUP) return brokers.coordinatorOf(key);
  if (keyType === TRANSACTION) return brokers.ownerOf(transactionOwnerName(key));
  if (keyType !== SHARE || apiVersion < SHARE_SINCE) return `key type ${keyType} has no coordinator here`;
  const [, topicId, partition] = SHARE_KEY.exec(key) ?? [];
  if (topicId === undefined) return `${key} is not <group>:<topic id>:<partition>`;
  // Whoever leads a partition keeps what groups have read of it.
  return brokers.leaderOf(topicId, Number(partition));
}
