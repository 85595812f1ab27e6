/**
 * Names one shard's log inside an engine: `<streamId>/<shardNumber>`. The stream id is the 22 base64url characters of
 * the stream's UUID, which is also its Kafka topic id, so a stream that is deleted and made again has other keys.
 */
export type ShardKey = string & { readonly brand: 'ShardKey' };

export function shardKey(streamId: string, shardNumber: number): ShardKey {
  return `${streamId}/${shardNumber}` as ShardKey;
}

export function parseShardKey(key: ShardKey): { readonly streamId: string; readonly shardNumber: number } {
  const slash = key.lastIndexOf('/');
  return { streamId: key.slice(0, slash), shardNumber: Number(key.slice(slash + 1)) };
}
