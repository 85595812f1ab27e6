import { describe, expect, it } from '@jest/globals';
import { createLogger } from '@tailrace/telemetry';
import { eventually } from '@tailrace/testkit';
import { MemoryDocuments } from '../testing/memory-documents.ts';
import { StoredConfigs } from '../topics/configs/stored-configs.ts';
import { GroupPaces } from './group-paces.ts';

const defaults = { sessionTimeoutMs: 45_000, heartbeatIntervalMs: 5_000 };

async function pacesOn(documents: MemoryDocuments) {
  let tell: (key: string | undefined) => void = () => undefined;
  const stops: string[] = [];
  const watch = async (prefix: string, changed: (key: string | undefined) => void) => {
    tell = changed;
    return () => void stops.push(prefix);
  };
  const configs = new StoredConfigs(documents);
  const paces = new GroupPaces({ configs, documents: { watch }, defaults, logger: createLogger({ level: 'silent' }) });
  await paces.open();
  return { paces, configs, tell: (key: string | undefined) => tell(key), stops };
}

describe('the pace of a group', () => {
  it('is the bridge’s, unless somebody has set another', async () => {
    const documents = new MemoryDocuments();
    await new StoredConfigs(documents).change('group', 'a/b', () => ({ 'consumer.session.timeout.ms': '50000' }));
    await new StoredConfigs(documents).change('group', 'c', () => ({ 'share.session.timeout.ms': '50000' }));
    const { paces } = await pacesOn(documents);
    expect([paces.of('a/b'), paces.of('c'), paces.of('d')]).toEqual([
      { sessionTimeoutMs: 50_000, heartbeatIntervalMs: 5_000 },
      defaults,
      defaults,
    ]);
  });

  it('follows changes, one by one and after some were missed', async () => {
    const { paces, configs, tell } = await pacesOn(new MemoryDocuments());
    await configs.change('group', 'a/b', () => ({ 'consumer.heartbeat.interval.ms': '6000' }));
    tell('kafka-config/group/a%2Fb');
    await eventually(() => expect(paces.of('a/b')).toEqual({ ...defaults, heartbeatIntervalMs: 6_000 }));
    await configs.change('group', 'a/b', () => ({}));
    tell(undefined);
    await eventually(() => expect(paces.of('a/b')).toEqual(defaults));
  });

  it('is watched no longer once it is closed', async () => {
    const { paces, stops } = await pacesOn(new MemoryDocuments());
    paces.close();
    expect(stops).toEqual(['kafka-config/group/']);
  });
});
