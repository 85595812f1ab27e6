import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { ShareGroupDocument } from '../share-groups/share-group-document.ts';
import type { ConsumerGroupDocument } from './consumer-group-document.ts';

/** What is kept of a classic group (`group-state/<id>`), so that another bridge, or this one after a restart, goes on with it. */
export interface GroupDocument {
  readonly kind?: 'classic';
  /** Never used again: a member of an older generation is known by it. */
  readonly generation: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leaderId: string | null;
  /** When the last member went, in milliseconds since 1970; absent while there are members, and where there never was one. */
  readonly emptySinceMs?: number;
  /** When its members got what they have, in milliseconds since 1970; absent where they have nothing yet. */
  readonly stateSinceMs?: number;
  readonly members: readonly GroupMemberDocument[];
}

export interface GroupMemberDocument {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Metadata and assignment in base64. */
  readonly protocols: readonly { readonly name: string; readonly metadata: string }[];
  readonly assignment: string;
}

export type AnyGroupDocument = GroupDocument | ConsumerGroupDocument | ShareGroupDocument;

/** A document holds 1 MiB. */
export const GROUP_DOCUMENT_BYTES_MAX = 1_000_000;
/** What a text may hold that was stored compressed: more than any group that fits has. */
const INFLATED_BYTES_MAX = 256 * 1024 * 1024;
/** Fast: large groups are saved at every rebalance. */
const DEFLATE_LEVEL = 1;

/**
 * The text to store; `savedBy` makes the text of each save its own, so that a writer whose answer was lost knows its
 * work. A large one (from some thousand members on) is compressed. A group that does not fit even so keeps its generation
 * alone: after a takeover its members then join anew.
 */
export function formatGroupDocument(document: AnyGroupDocument, savedBy: string): string {
  const text = JSON.stringify({ ...document, savedBy });
  if (Buffer.byteLength(text) <= GROUP_DOCUMENT_BYTES_MAX) return text;
  const deflated = deflateRawSync(text, { level: DEFLATE_LEVEL }).toString('base64');
  if (deflated.length <= GROUP_DOCUMENT_BYTES_MAX) return JSON.stringify({ deflated });
  if (document.kind === 'consumer' || document.kind === 'share')
    return JSON.stringify({ ...document, members: [], savedBy });
  return JSON.stringify({ ...document, protocolName: null, leaderId: null, members: [], savedBy });
}

export function parseGroupDocument(text: string): AnyGroupDocument {
  const document = JSON.parse(text) as AnyGroupDocument | { readonly deflated: string };
  if (!('deflated' in document)) return document;
  const inflated = inflateRawSync(Buffer.from(document.deflated, 'base64'), { maxOutputLength: INFLATED_BYTES_MAX });
  return JSON.parse(inflated.toString()) as AnyGroupDocument;
}
