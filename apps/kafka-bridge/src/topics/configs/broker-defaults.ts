import type { BridgeOptions } from '../../bridge-options.ts';
import type { ConfigMap } from './config-resource.ts';

/** The settings of the broker that this deployment has chosen otherwise than Kafka does by default. */
export function brokerDefaults(options: BridgeOptions): ConfigMap {
  const chosen: Record<string, string> = { 'message.max.bytes': String(options.messageBytesMax) };
  if (options.minInsyncReplicas !== 1) chosen['min.insync.replicas'] = String(options.minInsyncReplicas);
  return chosen;
}
