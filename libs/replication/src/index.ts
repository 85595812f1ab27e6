export {
  acksOfKafka,
  type AppendRequirement,
  REPLICATION_TIMEOUT_MS,
  type ReplicationPolicy,
  requirementOfProduce,
  requirementOfPut,
} from './acknowledgement.ts';
export {
  checkMinInsyncReplicas,
  MIN_INSYNC_REPLICAS_DEFAULT,
  MIN_INSYNC_REPLICAS_MAX,
  type MinInsyncReplicasCheck,
} from './min-insync-replicas.ts';
export { zonesOf, zoneView, type ZoneView } from './zones.ts';
