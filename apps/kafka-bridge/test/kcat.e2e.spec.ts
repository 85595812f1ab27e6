import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import type { ShardKey } from '@tailrace/shard-core';
import { type FaultProxy, faultProxy } from '@tailrace/testkit';
import { type DoorUnderTest, openDoorUnderTest } from '../src/testing/door-under-test.ts';

const RECORDS = 300;
const KCAT_MS_MAX = 25_000;
const kcatIsHere = spawnSync('kcat', ['-V']).status === 0;

/** A door whose every client goes through a proxy, because that is the address it tells them. */
async function doorBehindProxy(seed: number): Promise<{ under: DoorUnderTest; proxy: FaultProxy }> {
  const proxy = await faultProxy({ target: { port: 1 }, seed });
  const under = await openDoorUnderTest({ advertised: { port: proxy.port } });
  proxy.target = under.address;
  return { under, proxy };
}

async function kcat(args: readonly string[], feed?: (write: (line: string) => void) => Promise<void>): Promise<string> {
  const child = spawn('kcat', args, { stdio: 'pipe', timeout: KCAT_MS_MAX });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.resume();
  await feed?.((line) => child.stdin.write(`${line}\n`));
  child.stdin.end();
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`kcat ${args.join(' ')} ended with ${code}`);
  return out;
}

(kcatIsHere ? describe : describe.skip)('librdkafka', () => {
  it('writes as an idempotent producer through connections that are cut again and again: no gap, nothing twice', async () => {
    const { under, proxy } = await doorBehindProxy(3);
    const broker = `127.0.0.1:${proxy.port}`;
    const settings = [
      'enable.idempotence=true', 'retry.backoff.ms=20', 'reconnect.backoff.ms=10', 'reconnect.backoff.max.ms=50', 'batch.num.messages=5',
    ]; // prettier-ignore
    const values = Array.from({ length: RECORDS }, (_, i) => `v${i}`);
    proxy.cutRandomly({ bytesMax: 6_000 });
    const options = settings.flatMap((one) => ['-X', one]);
    await kcat(['-P', '-E', '-b', broker, '-t', 'cut', '-p', '0', ...options], async (write) =>
      write(values.join('\n')),
    );
    proxy.heal();
    expect(proxy.cutCount).toBeGreaterThan(3);
    const read = await kcat(['-C', '-e', '-q', '-b', `127.0.0.1:${under.address.port}`, '-t', 'cut', '-p', '0']);
    expect(read.trim().split('\n')).toEqual(values);
    await proxy.stop();
    await under.close();
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('gets back what it sent, compressed by %s', async (codec) => {
    const under = await openDoorUnderTest();
    const broker = ['-b', `127.0.0.1:${under.address.port}`, '-t', 'codec'];
    const lines = Array.from({ length: 500 }, (_, i) => `key${i % 5}:värde ${i}`);
    await kcat(['-P', ...broker, '-K:', '-z', codec, '-p', '1'], async (write) => write(lines.join('\n')));
    const read = await kcat(['-C', '-e', '-q', ...broker, '-K:', '-p', '1']);
    expect(read.trim().split('\n')).toEqual(lines);
    await under.close();
  });

  it('writes in a transaction, which it commits when its input ends', async () => {
    const under = await openDoorUnderTest();
    const broker = ['-b', `127.0.0.1:${under.address.port}`, '-t', 'in-transaction', '-p', '0'];
    const lines = Array.from({ length: 500 }, (_, i) => `line ${i}`);
    await kcat(['-P', ...broker, '-X', 'transactional.id=kcat'], async (write) => write(lines.join('\n')));
    const read = await kcat(['-C', '-e', '-q', ...broker, '-X', 'isolation.level=read_committed']);
    expect(read.trim().split('\n')).toEqual(lines);
    const partition = under.catalog.peek('in-transaction')?.partitions[0];
    const bounds = await under.store.log.bounds(partition?.appendTo.key as ShardKey);
    // The records, and the marker behind them.
    expect(bounds.ok && [bounds.value.logEndOffset, bounds.value.lastStableOffset]).toEqual([501n, 501n]);
    await under.close();
  });
});
