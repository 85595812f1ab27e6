import { describe, expect, it } from '@jest/globals';
import { eventually } from '@tailrace/testkit';
import { STREAM_ARN, withStream } from '../../test/aws-cases.ts';
import { ConsumerRegister } from './consumers/consumer-register.ts';
import { DeletedStreams } from './deleted-streams.ts';

const MINUTE_MS = 60_000;

/** A stream with a consumer that has a subscription, and policies of both. */
async function furnished() {
  const harness = await withStream();
  const { ok, store, catalog } = harness;
  const { Consumer } = await ok<{ Consumer: { ConsumerARN: string } }>('RegisterStreamConsumer', {
    StreamARN: STREAM_ARN,
    ConsumerName: 'c',
  });
  const statement = {
    Effect: 'Allow',
    Principal: { AWS: '111111111111' },
    Action: 'kinesis:DescribeStreamSummary',
    Resource: '*',
  };
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  for (const ResourceARN of [STREAM_ARN, Consumer.ConsumerARN]) await ok('PutResourcePolicy', { ResourceARN, Policy });
  const { id } = catalog.peek('s')!;
  const created = Math.floor(harness.clock.nowMs / 1000);
  await store.documents.write([
    { key: `subscription/${id}/c:${created}/0`, value: '{"holder":"h","openedAtMs":1}', expected: 'absent' },
  ]);
  const left = async () =>
    (await Promise.all(['consumer/', 'subscription/', 'policy/'].map((prefix) => store.documents.list(prefix))))
      .flat()
      .map(({ key }) => key.slice(0, key.indexOf('/')));
  expect(await left()).toEqual(['consumer', 'subscription', 'policy', 'policy']);
  return { ...harness, left };
}

describe('a stream that another door deletes', () => {
  it('takes its consumers, their subscriptions and the policies with it', async () => {
    const { catalog, left } = await furnished();
    await catalog.delete('s');
    await eventually(async () => expect(await left()).toEqual([]));
  });

  it('takes them with it also when it is made again at once; the new one keeps its own', async () => {
    const { catalog, ok, store } = await furnished();
    await catalog.delete('s');
    await ok('CreateStream', { StreamName: 's', ShardCount: 1 });
    await ok('RegisterStreamConsumer', { StreamARN: STREAM_ARN, ConsumerName: 'new' });
    const { id } = catalog.peek('s')!;
    await eventually(async () => {
      const keys = (await store.documents.list('consumer/')).map(({ key }) => key);
      expect(keys).toEqual([`consumer/${id}/new`]);
    });
  });

  it('takes them with it at the next start, when no process of this door has heard of it', async () => {
    const { store, catalog, protocol, clock, left } = await furnished();
    protocol.close();
    await catalog.delete('s');
    const consumers = new ConsumerRegister(store.documents, () => clock.nowMs);
    const again = () => new DeletedStreams(store.documents, catalog, consumers, () => clock.nowMs);
    // As old as that, a consumer may be one of a stream that was made a moment ago and is not known here yet.
    await again().sweep();
    expect(await left()).toHaveLength(4);
    clock.nowMs += MINUTE_MS + 1;
    await again().sweep();
    expect(await left()).toEqual([]);
  });

  it('leaves the others alone at the next start', async () => {
    const { store, catalog, clock, left } = await furnished();
    clock.nowMs += 2 * MINUTE_MS;
    const consumers = new ConsumerRegister(store.documents, () => clock.nowMs);
    await new DeletedStreams(store.documents, catalog, consumers, () => clock.nowMs).sweep();
    expect(await left()).toHaveLength(4);
  });
});
