import { StoreUnavailable } from '../contract/refusal.ts';
import type { RedisNode } from './redis-node.ts';

/** Which primary has which keys. */
export interface Topology {
  /** Primaries in use now. */
  nodes(): readonly RedisNode[];
  /** The primary that has the key. Throws StoreUnavailable while nobody serves its slot. */
  nodeFor(key: string): RedisNode;
  /**
   * Does something at the primary that has the key, and follows redirections (a redirected command was not carried out).
   * Throws StoreUnavailable.
   */
  at<T>(key: string, work: (node: RedisNode) => Promise<T>): Promise<T>;
  close(): void;
}

/** One primary: a single server, or whichever the sentinels name. */
export class SinglePrimary implements Topology {
  readonly #node: RedisNode;

  constructor(node: RedisNode) {
    this.#node = node;
  }

  nodes(): readonly RedisNode[] {
    return [this.#node];
  }

  nodeFor(): RedisNode {
    return this.#node;
  }

  at<T>(_key: string, work: (node: RedisNode) => Promise<T>): Promise<T> {
    return work(this.#node);
  }

  close(): void {
    this.#node.close();
  }
}

export function unservedSlot(slot: number): StoreUnavailable {
  return new StoreUnavailable(`no node of the Redis Cluster serves slot ${slot} now`);
}
