import type { TokenBuckets, TokenRequest } from '../contract/token-buckets.ts';
import type { Keys } from './keys.ts';
import type { Topology } from './topology.ts';

/** Token buckets by Redis' clock; each in a slot of its own, so that a cluster shares the load. */
export class RedisTokenBuckets implements TokenBuckets {
  readonly #keys: Keys;
  readonly #topology: Topology;
  readonly #clock: (() => number) | undefined;

  constructor(keys: Keys, topology: Topology, clock: (() => number) | undefined) {
    this.#keys = keys;
    this.#topology = topology;
    this.#clock = clock;
  }

  async take(bucket: string, request: TokenRequest): Promise<{ readonly granted: number; readonly waitMs: number }> {
    const [, granted, waitMs] = await this.#run(bucket, request, request.min, request.max);
    return { granted: Number(granted), waitMs: Number(waitMs) };
  }

  async giveBack(bucket: string, tokens: number, request: TokenRequest): Promise<void> {
    if (tokens > 0) await this.#run(bucket, request, -tokens, -tokens);
  }

  #run(bucket: string, { ratePerSecond, capacity }: TokenRequest, least: number, most: number) {
    const key = this.#keys.bucket(bucket);
    const now = this.#clock === undefined ? '' : String(this.#clock() * 1_000);
    const args = [ratePerSecond, capacity, least, most].map(String);
    return this.#topology.at(key, (node) => node.run('take-tokens', [key], [...args, now]));
  }
}
