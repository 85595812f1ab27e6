import type { ProducerState } from '../contract/log.ts';
import type { ShardKey } from '../contract/shard-key.ts';
import { HAND_OVER_TTL_S, PRODUCER_PAGE } from './bounds.ts';
import type { Argument } from './connection.ts';
import type { LogContext } from './log-context.ts';

/**
 * Brings what one shard knows of the producers of a Kafka partition to another that is to be opened. Both may be at
 * different primaries, so it passes through this process, in pages; each step can be done again, by any process. Throws
 * StoreUnavailable.
 */
export async function handOverProducers(
  { topology, keys }: LogContext,
  from: ShardKey,
  partition: number,
  to: ShardKey,
): Promise<void> {
  const source = keys.shard(from);
  const target = keys.shard(to);
  const [left] = await topology.at(source.meta, (node) =>
    node.run('leave-partition', [source.meta], [String(partition)]),
  );
  if (left === 'shardNotFound') return;

  const [openReply, inheritedReply] = await topology.at(source.meta, (node) =>
    Promise.all([
      node.writes.send('zrange', [source.open, '0', '-1']),
      node.writes.send('hgetall', [source.inherited]),
    ]),
  );
  const open = new Set(openReply as string[]);
  // The client makes an object of this one.
  const inherited = new Map(Object.entries(inheritedReply as Record<string, string>));

  const suffix = `:${partition}`;
  let cursor = '0';
  do {
    const [next, fields] = (await topology.at(source.producers, (node) =>
      node.writes.send('hscan', [source.producers, cursor, 'COUNT', String(PRODUCER_PAGE)], 'buffers'),
    )) as [Buffer, Buffer[]];
    const args: Argument[] = [String(HAND_OVER_TTL_S)];
    for (let at = 0; at < fields.length; at += 2) {
      const name = String(fields[at]);
      if (!name.endsWith(suffix)) continue;
      const openIn = [inherited.get(name), open.has(name.slice(0, -suffix.length)) ? from : undefined];
      args.push(name, fields[at + 1] as Buffer, openIn.filter((shard) => shard !== undefined).join(' '));
    }
    if (args.length > 1) {
      const targets = [target.meta, target.producers, target.inherited];
      const [tag] = await topology.at(target.meta, (node) => node.run('hand-over-producers', targets, args));
      if (tag === 'opened') return;
    }
    cursor = String(next);
  } while (cursor !== '0');
}

/** Everything that the shard knows of producers. Throws StoreUnavailable. */
export async function listProducers({ topology, keys }: LogContext, shard: ShardKey): Promise<ProducerState[]> {
  const { producers, open } = keys.shard(shard);
  const states = new Map<string, ProducerState>();
  let cursor = '0';
  do {
    const asked = [cursor, String(PRODUCER_PAGE)];
    const [, next, ...fields] = await topology.at(producers, (node) =>
      node.run('list-producers', [producers, open], asked),
    );
    for (let at = 0; at < fields.length; at += STATE_FIELDS) {
      const [producerId, ...rest] = fields.slice(at, at + STATE_FIELDS) as [string, ...string[]];
      const [partition, epoch, lastSequence, timeMs, coordinatorEpoch, start] = rest.map(Number) as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      states.set(`${producerId}/${partition}`, {
        producerId: BigInt(producerId),
        partition,
        producerEpoch: epoch,
        lastSequence,
        lastTimestampMs: timeMs,
        coordinatorEpoch,
        currentTransactionStartOffset: start < 0 ? undefined : BigInt(start),
      });
    }
    cursor = next as string;
  } while (cursor !== '0');
  return [...states.values()];
}

/** lua/list-producers.lua says which. */
const STATE_FIELDS = 7;
