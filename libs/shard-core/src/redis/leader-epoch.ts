import type { Keys } from './keys.ts';
import { parseReplicationInfo } from './replicas.ts';
import type { RedisNode } from './redis-node.ts';
import type { Topology } from './topology.ts';

/**
 * The store's leader epoch: it grows whenever a primary appears that no process has seen before, which is what a failover
 * (and a restart) looks like from here. Agreed on in Redis, so that every process goes by the same one. Appends to a primary wait
 * until its epoch is known (`RedisNode.claimed`): what is written behind a lost tail is never taken for a part of it.
 */
export class LeaderEpoch {
  readonly #keys: Keys;
  readonly #topology: () => Topology;
  /** -1: nothing was heard yet. */
  #heard = -1;
  #text = '0';

  constructor(keys: Keys, topology: () => Topology) {
    this.#keys = keys;
    this.#topology = topology;
  }

  get current(): number {
    return this.#heard < 0 ? 0 : this.#heard;
  }

  /** `current`, as scripts are told. */
  get text(): string {
    return this.#text;
  }

  /** Another process has claimed this one: a shard was written to under it. */
  hear(leaderEpoch: number): void {
    if (leaderEpoch <= this.#heard) return;
    this.#heard = leaderEpoch;
    this.#text = String(leaderEpoch);
  }

  /**
   * Call it for each primary that was (re)connected to. Answers whether it is one that was not known. A replica has no epoch
   * of its own: the connection is made anew, until it is one to a primary. Throws StoreUnavailable.
   */
  async claim(node: RedisNode): Promise<boolean> {
    const { openedAt } = node.writes;
    const info = parseReplicationInfo((await node.writes.send('info', ['replication'])) as string);
    const { role, replicationId } = info;
    if (role !== 'master') {
      node.writes.renew();
      return false;
    }
    // The connection was lost, and nothing else: no need for what another primary of a cluster has noted.
    if (replicationId === node.replicationId) {
      node.claim(replicationId, openedAt);
      return false;
    }
    const { primaries } = this.#keys;
    const reply = await this.#topology().at(primaries, (at) =>
      at.run('claim-leadership', [primaries], [replicationId, String(this.#heard)]),
    );
    const epoch = Number(reply[1]);
    const isNew = epoch > this.#heard || node.replicationId !== undefined;
    this.hear(epoch);
    node.claim(replicationId, openedAt);
    return isNew;
  }
}
