/** `shardId-000000000012`: the number of a shard as the Kinesis API writes it, twelve digits at least. */
export function shardIdOf(shardNumber: number): string {
  return `shardId-${String(shardNumber).padStart(12, '0')}`;
}

/**
 * The number in a shard id; `undefined` if the text is none. Like the service, a bare number and a short form
 * (`shardId-0`) name the same shard as the full form.
 */
export function parseShardId(shardId: string): number | undefined {
  const match = /^(?:shardId-)?(\d{1,12})$/.exec(shardId);
  return match ? Number(match[1]) : undefined;
}
