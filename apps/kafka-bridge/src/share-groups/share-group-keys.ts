/** Behind it the states of share-partitions, by group. */
export const SHARE_STATES_PREFIX = 'share-group/';

/** One share group in one partition. */
export interface SharePartitionKey {
  readonly groupId: string;
  readonly topicId: string;
  readonly partition: number;
}

/** `share-group/<id>/`, and behind it `<topic id>/<partition>`. */
export function shareStatesPrefix(groupId: string): string {
  return `${SHARE_STATES_PREFIX}${encodeURIComponent(groupId.toWellFormed())}/`;
}

/** `share-group/<id>/<topic id>/<partition>`: where the group is, and what has become of its records. */
export function shareStateKey({ groupId, topicId, partition }: SharePartitionKey): string {
  return `${shareStatesPrefix(groupId)}${topicId}/${partition}`;
}

export function parseShareStateKey(key: string): SharePartitionKey {
  const [, groupId = '', topicId = '', partition = ''] = key.split('/');
  return { groupId: decodeURIComponent(groupId), topicId, partition: Number(partition) };
}
