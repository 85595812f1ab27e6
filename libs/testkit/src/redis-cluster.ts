import { eventually } from './eventually.ts';
import { freePort } from './free-port.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

export interface StartRedisClusterOptions {
  /** Redis itself wants at least three to agree on a failover. Default 3. */
  readonly masters?: number;
  readonly appendonly?: boolean;
  readonly config?: Readonly<Record<string, string | number>>;
}

/** A Redis Cluster of the test's own: every slot is served, every node knows every other. */
export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  /** `redis://…` of every node. */
  readonly urls: readonly string[];
  /** Ends every node. */
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const FORM_TIMEOUT_MS = 20_000;

export async function startRedisCluster(options: StartRedisClusterOptions = {}): Promise<RedisCluster> {
  const masters = options.masters ?? 3;
  const nodes: RedisServer[] = [];
  const stop = async () => {
    for (const node of nodes) await node.stop();
  };
  try {
    for (let i = 0; i < masters; i++) nodes.push(await startNode(options));
    await joinNodes(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  return { nodes, urls: nodes.map((node) => node.url), stop };
}

async function startNode(options: StartRedisClusterOptions): Promise<RedisServer> {
  return startRedis({
    appendonly: options.appendonly ?? false,
    config: {
      'cluster-enabled': 'yes',
      // The bus is at port + 10,000 by default, which may be taken.
      'cluster-port': await freePort(),
      'cluster-node-timeout': 2_000,
      ...options.config,
    },
  });
}

async function joinNodes(nodes: readonly RedisServer[]): Promise<void> {
  const [first] = nodes;
  for (const [i, node] of nodes.entries()) {
    const start = Math.floor((i * SLOTS) / nodes.length);
    const end = Math.floor(((i + 1) * SLOTS) / nodes.length) - 1;
    await node.command('CLUSTER', 'ADDSLOTSRANGE', start, end);
    // Nodes that meet with one and the same epoch first have to settle who keeps it.
    await node.command('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
    if (first !== undefined && node !== first) {
      const busPort = String(await node.command('CONFIG', 'GET', 'cluster-port')).split(',')[1] ?? '';
      await first.command('CLUSTER', 'MEET', node.host, node.port, busPort);
    }
  }
  for (const node of nodes) {
    await eventually(
      async () => {
        const info = String(await node.command('CLUSTER', 'INFO'));
        const ready =
          info.includes('cluster_state:ok') &&
          info.includes(`cluster_slots_ok:${SLOTS}`) &&
          info.includes(`cluster_known_nodes:${nodes.length}\r`);
        if (!ready) throw new Error(`node ${node.port} is not ready:\n${info}`);
      },
      { timeoutMs: FORM_TIMEOUT_MS, intervalMs: 50 },
    );
  }
}
