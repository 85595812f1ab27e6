/** Appends for as long as it lives, for specs that kill it: `node writer-process.ts <data directory> <durability>`. */
import { openEmbeddedStore } from '../embedded/index.ts';
import { shardKey } from '../contract/shard-key.ts';
import { accepted, append } from './batches.ts';

const [dataDir, durability] = process.argv.slice(2) as [string, 'sync' | 'relaxed'];
const WRITERS = 12;

const store = await openEmbeddedStore({
  dataDir,
  durability,
  segmentBytesMin: 256 * 1024,
  segmentBytesMax: 512 * 1024,
});
const shards = [0, 1, 2].map((number) => shardKey('killed', number));
for (const shard of shards) await store.log.openShard(shard, { startOffset: 0n });

async function write(writer: number): Promise<never> {
  const number = writer % shards.length;
  for (let i = 0; ; i++) {
    const value = `${process.pid}-${writer}-${i}`;
    const padded = value.padEnd(100 + ((i * 7_919) % 30_000));
    const { baseOffset } = accepted(await append(store.log, shards[number]!, [padded]));
    // Written at once: what was told before a kill has been told.
    process.stdout.write(`${number} ${baseOffset} ${value}\n`);
  }
}

await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
