import { expect } from '@jest/globals';
import { produceApi } from '@tailrace/kafka-protocol';
import type { Stream } from '@tailrace/shard-core';
import { uniqueName } from '@tailrace/testkit';
import { StoredConfigs } from '../topics/configs/stored-configs.ts';
import { createTopic } from '../topics/topic-creation.ts';
import { type DoorUnderTest, type DoorUnderTestOptions, openDoorUnderTest } from './door-under-test.ts';
import { batchOf } from './records.ts';
import { ShareClient } from './share-client.ts';
import type { WireClient } from './wire-client.ts';

/** A door with topics, share groups and members in them. For specs. */
export interface ShareScene {
  readonly under: DoorUnderTest;
  readonly client: WireClient;
  newTopic(partitionCount?: number, configs?: Readonly<Record<string, string>>): Promise<Stream>;
  /** Begins where partitions begin, with these settings besides. */
  newGroup(settings?: Readonly<Record<string, string>>): Promise<string>;
  produce(stream: Stream, values: readonly string[], partition?: number): Promise<void>;
  /** Over a connection of its own, which ends with the scene. */
  join(groupId: string, stream: Stream): Promise<ShareClient & { readonly connection: WireClient }>;
  close(): Promise<void>;
}

export async function openShareScene(options: DoorUnderTestOptions = {}): Promise<ShareScene> {
  const under = await openDoorUnderTest(options);
  const client = await under.connect();
  const connections = [client];
  return {
    under,
    client,
    async newTopic(partitionCount = 1, configs = {}) {
      const created = await createTopic(under.catalog, { name: uniqueName('shared'), partitionCount, configs });
      if (!created.ok) throw new Error(created.refusal.code);
      return created.value;
    },
    async newGroup(settings = {}) {
      const groupId = uniqueName('sharers');
      // Beside the door, which takes no time-outs as short as tests want them.
      const all = { 'share.auto.offset.reset': 'earliest', ...settings };
      await new StoredConfigs(under.store.documents).change('group', groupId, () => all);
      return groupId;
    },
    async produce(stream, values, partition = 0) {
      const topicData = [{ name: stream.name, partitionData: [{ index: partition, records: batchOf(values) }] }];
      const answer = await client.request(produceApi, 9, { acks: -1, timeoutMs: 1_000, topicData });
      expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
    },
    async join(groupId, stream) {
      const connection = await under.connect();
      connections.push(connection);
      const member = new ShareClient(connection, groupId, uniqueName('m'), stream.id);
      return Object.assign(member, { connection });
    },
    async close() {
      for (const connection of connections) connection.close();
      await under.close();
    },
  };
}
