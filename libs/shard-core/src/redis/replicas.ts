import type { StoreReplica } from '../contract/store.ts';
import { REPLICA_LAG_MAX_S, REPLICAS_AGE_MAX_MS } from './bounds.ts';
import type { RedisNode } from './redis-node.ts';

export interface ReplicationInfo {
  readonly role: string;
  /** Changes with each promotion and each restart. */
  readonly replicationId: string;
  readonly replicas: readonly StoreReplica[];
}

/** Reads the answer of `INFO replication`. */
export function parseReplicationInfo(text: string): ReplicationInfo {
  const fields = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  const offset = Number(fields.get('master_repl_offset') ?? '0');
  const replicas: StoreReplica[] = [];
  for (const [name, value] of fields) {
    if (!/^slave\d+$/.test(name)) continue;
    const parts = new Map(value.split(',').map((part) => part.split('=', 2) as [string, string]));
    const lagSeconds = Number(parts.get('lag'));
    replicas.push({
      address: `${parts.get('ip')}:${parts.get('port')}`,
      inSync: parts.get('state') === 'online' && lagSeconds <= REPLICA_LAG_MAX_S,
      lagSeconds,
      lagBytes: Math.max(0, offset - Number(parts.get('offset'))),
    });
  }
  return { role: fields.get('role') ?? '', replicationId: fields.get('master_replid') ?? '', replicas };
}

/** What is known of one primary's replicas, never older than `REPLICAS_AGE_MAX_MS` when it decides something. */
export class ReplicaView {
  readonly #node: RedisNode;
  #info: ReplicationInfo | undefined;
  #askedAt = -Infinity;
  #asking: Promise<ReplicationInfo> | undefined;

  constructor(node: RedisNode) {
    this.#node = node;
  }

  /** Copies in sync, the primary among them; a promise only when it has to ask. Throws StoreUnavailable. */
  copiesInSync(): number | Promise<number> {
    const age = performance.now() - this.#askedAt;
    if (this.#info === undefined || age > REPLICAS_AGE_MAX_MS) return this.ask().then(countCopies);
    // In good time, so that the hot path seldom waits.
    if (age > REPLICAS_AGE_MAX_MS / 2) this.ask().catch(() => undefined);
    return countCopies(this.#info);
  }

  /** Throws StoreUnavailable. */
  ask(): Promise<ReplicationInfo> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<ReplicationInfo> {
    const askedAt = performance.now();
    const info = parseReplicationInfo((await this.#node.writes.send('info', ['replication'])) as string);
    this.#info = info;
    this.#askedAt = askedAt;
    return info;
  }

  forget(): void {
    this.#info = undefined;
  }
}

function countCopies(info: ReplicationInfo): number {
  let copies = 1;
  for (const replica of info.replicas) if (replica.inSync) copies += 1;
  return copies;
}
