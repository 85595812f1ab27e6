/** Longest group id, in bytes of its escaped form, so that every key stays below the 1,024 bytes that a document allows. */
export const GROUP_ID_BYTES_MAX = 640;

/** Whether the id can name a group. Kafka refuses only the empty one. */
export function isGroupId(groupId: string): boolean {
  return groupId !== '' && groupId.length <= GROUP_ID_BYTES_MAX && escape(groupId).length <= GROUP_ID_BYTES_MAX;
}

/** Behind it the groups' ids: apart from the offsets, of which there are many more, so that groups can be listed. */
export const GROUP_STATES_PREFIX = 'group-state/';

/** `group-state/<id>`: generation and members. Every group that has offsets has it. */
export function groupStateKey(groupId: string): string {
  return GROUP_STATES_PREFIX + escape(groupId);
}

export function groupIdOfStateKey(key: string): string {
  return decodeURIComponent(key.slice(GROUP_STATES_PREFIX.length));
}

/** Behind it the offsets of all groups. */
export const GROUP_OFFSETS_PREFIX = 'group/';

/** What `groupOffsetKey` made; `undefined` of other keys. */
export function placeOfOffsetKey(
  key: string,
): { readonly groupId: string; readonly topic: string; readonly partition: number } | undefined {
  const [prefix, groupId, offsets, topic, partition] = key.split('/');
  if (`${prefix}/` !== GROUP_OFFSETS_PREFIX || offsets !== 'offsets') return undefined;
  if (groupId === undefined || topic === undefined || partition === undefined) return undefined;
  return { groupId: decodeURIComponent(groupId), topic, partition: Number(partition) };
}

/** `group/<id>/offsets/`, and behind it `<topic>/<partition>`. */
export function groupOffsetsPrefix(groupId: string): string {
  return `${GROUP_OFFSETS_PREFIX}${escape(groupId)}/offsets/`;
}

export function groupOffsetsOfTopicPrefix(groupId: string, topic: string): string {
  return `${groupOffsetsPrefix(groupId)}${topic}/`;
}

export function groupOffsetKey(groupId: string, topic: string, partition: number): string {
  return groupOffsetsOfTopicPrefix(groupId, topic) + String(partition);
}

/** Group ids may hold anything, also a slash; a lone surrogate cannot be escaped, and counts as what UTF-8 makes of it. */
function escape(groupId: string): string {
  return encodeURIComponent(groupId.toWellFormed());
}
