import type { Keys } from './keys.ts';
import { parseReplicationInfo } from './replicas.ts';
import type { RedisNode } from './redis-node.ts';
import type { Topology } from './topology.ts';

/**
 * The store's leader epoch: it grows whenever a primary appears that no process has seen before, which is what a failover
 * (and a restart) looks like from here. Agreed on in Redis, so that every process stamps the same one.
 */
export class LeaderEpoch {
  readonly #keys: Keys;
  readonly #topology: () => Topology;
  #current = 0;

  constructor(keys: Keys, topology: () => Topology) {
    this.#keys = keys;
    this.#topology = topology;
  }

  get current(): number {
    return this.#current;
  }

  /** Call it for each primary that was (re)connected to. Answers whether it is one that was not known. Throws StoreUnavailable. */
  async claim(node: RedisNode): Promise<boolean> {
    const { replicationId } = parseReplicationInfo((await node.writes.send('info', ['replication'])) as string);
    const { primaries } = this.#keys;
    const reply = await this.#topology().at(primaries, (at) =>
      at.run('claim-leadership', [primaries], [replicationId]),
    );
    const epoch = Number(reply[1]);
    const raised = epoch > this.#current;
    if (raised) this.#current = epoch;
    return raised;
  }
}
