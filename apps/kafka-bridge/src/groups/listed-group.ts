import { SHARE_PROTOCOL, type ShareGroup, type ShareGroupState } from '../share-groups/share-group.ts';
import type { ClassicGroup, GroupState } from './classic-group.ts';
import type { ConsumerGroup, ConsumerGroupState } from './consumer-group.ts';
import { CONSUMER_PROTOCOL } from './consumer-protocol.ts';
import type { AnyGroupDocument } from './group-document.ts';

export type AnyGroup = ClassicGroup | ConsumerGroup | ShareGroup;

/** A group as ListGroups shows it. */
export interface ListedGroup {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: GroupState | ConsumerGroupState | ShareGroupState;
  readonly type: AnyGroup['kind'];
}

export function listedGroup(groupId: string, group: AnyGroup): ListedGroup {
  return { groupId, protocolType: group.protocolType ?? '', state: group.state, type: group.kind };
}

/** Of one that has no members and is not in memory. */
export function listedDocument(groupId: string, document: AnyGroupDocument): ListedGroup {
  return { groupId, protocolType: protocolTypeOf(document), state: 'Empty', type: document.kind ?? 'classic' };
}

export function protocolTypeOf(document: AnyGroupDocument): string {
  if (document.kind === 'share') return SHARE_PROTOCOL;
  return document.kind === 'consumer' ? CONSUMER_PROTOCOL : (document.protocolType ?? '');
}
