import { setTimeout as sleep } from 'node:timers/promises';
import {
  alterClientQuotasApi,
  alterUserScramCredentialsApi,
  createTopicsApi,
  deleteAclsApi,
  deleteGroupsApi,
  deleteTopicsApi,
  describeClientQuotasApi,
  describeUserScramCredentialsApi,
  errorName,
  listGroupsApi,
  metadataApi,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import type { Topics } from './frames.ts';
import type { Talker } from './talker.ts';

/** Requests without a bound would be refused. */
const AT_ONCE = 500;
/** The topic of the client that must be served all the while. */
export const PROBE_TOPIC = 'probe';
const TOPICS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'fuzz-plain': {},
  'fuzz-rewritten': { 'compression.type': 'gzip' },
  'fuzz-append-time': { 'message.timestamp.type': 'LogAppendTime' },
  'fuzz-compacted': { 'cleanup.policy': 'compact' },
};
const ANY = 1;

function* slices<T>(list: readonly T[]): Generator<T[]> {
  for (let at = 0; at < list.length; at += AT_ONCE) yield list.slice(at, at + AT_ONCE);
}

/** Removes what mutated requests have made, and makes the topics that they are about. */
export async function tidy(talker: Talker): Promise<Topics> {
  const { topics } = await talker.ask(metadataApi, 12, { topics: null });
  const names = topics.map(({ name }) => name ?? '').filter((name) => name !== PROBE_TOPIC && !name.startsWith('__'));
  for (const some of slices(names)) {
    await talker.ask(deleteTopicsApi, 6, {
      topics: some.map((name) => ({ name, topicId: ZERO_UUID })),
      timeoutMs: 30_000,
    });
  }
  const { groups } = await talker.ask(listGroupsApi, 4, {});
  for (const some of slices(groups)) {
    await talker.ask(deleteGroupsApi, 2, { groupsNames: some.map(({ groupId }) => groupId) });
  }
  await talker.ask(deleteAclsApi, 3, {
    filters: [{ resourceTypeFilter: ANY, resourceNameFilter: null, patternTypeFilter: ANY, principalFilter: null, hostFilter: null, operation: ANY, permissionType: ANY }],
  }); // prettier-ignore
  const { entries } = await talker.ask(describeClientQuotasApi, 1, { components: [], strict: false });
  await talker.ask(alterClientQuotasApi, 1, {
    entries: (entries ?? []).map(({ entity, values }) => ({
      entity,
      ops: values.map(({ key }) => ({ key, value: 0, remove: true })),
    })),
    validateOnly: false,
  });
  const { results } = await talker.ask(describeUserScramCredentialsApi, 0, { users: null });
  const deletions = results.flatMap(({ user, credentialInfos }) =>
    credentialInfos.map(({ mechanism }) => ({ name: user, mechanism })),
  );
  for (const some of slices(deletions)) {
    await talker.ask(alterUserScramCredentialsApi, 0, { deletions: some, upsertions: [] });
  }
  const made = await talker.ask(createTopicsApi, 7, {
    topics: [PROBE_TOPIC, ...Object.keys(TOPICS)].map((name) => ({
      name,
      numPartitions: 3,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(TOPICS[name] ?? {}).map(([key, value]) => ({ name: key, value })),
    })),
    timeoutMs: 30_000,
  });
  const ids = new Map<string, string>();
  for (const { name, topicId, errorCode } of made.topics) {
    if (errorCode === 0) ids.set(name, topicId);
    else if (name !== PROBE_TOPIC) throw new Error(`${name}: ${errorName(errorCode) ?? errorCode}`);
  }
  ids.delete(PROBE_TOPIC);
  await sleep(10);
  return ids;
}
