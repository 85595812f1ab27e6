import { type Store, shardKey } from '@tailrace/shard-core';
import type { RestService } from './rest-service.ts';

/** What a split does: seal the shard, open its children, write them down. */
export async function splitFirstShard(service: RestService, store: Store, name: string): Promise<void> {
  const stream = service.catalog.peek(name);
  const parent = stream?.shards[0];
  if (stream === undefined || parent === undefined) throw new Error(`no stream ${name}`);
  const sealed = await store.log.seal(parent.key);
  if (!sealed.ok) throw new Error(sealed.refusal.code);
  const { endOffset } = sealed.value;
  const { start, end } = parent.hashRange;
  const middle = (start + end) / 2n;
  const children = [
    { number: 1, hashRange: { start: String(start), end: String(middle) }, partition: 0 },
    { number: 2, hashRange: { start: String(middle + 1n), end: String(end) }, partition: 1 },
  ].map((child) => ({ ...child, parent: 0, startOffset: String(endOffset), openedAtMs: Date.now() }));
  for (const { number } of children) {
    await store.log.openShard(shardKey(stream.id, number), { startOffset: endOffset });
  }
  await service.catalog.update(name, (document) => ({
    ...document,
    shards: [
      ...document.shards.map((shard) => ({ ...shard, endOffset: String(endOffset), closedAtMs: Date.now() })),
      ...children,
    ],
  }));
}
