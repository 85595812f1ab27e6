/** What is kept of a group (`group/<id>/state`), so that another bridge, or this one after a restart, goes on with it. */
export interface GroupDocument {
  /** Never used again: a member of an older generation is known by it. */
  readonly generation: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leaderId: string | null;
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

/** A document holds 1 MiB. */
export const GROUP_DOCUMENT_CHARACTERS_MAX = 1_000_000;

/**
 * The text to store; `savedBy` makes the text of each save its own, so that a writer whose answer was lost knows its
 * work. A group whose members do not fit (thousands of them, or huge assignments) keeps its generation alone: after a
 * takeover its members then join anew.
 */
export function formatGroupDocument(document: GroupDocument, savedBy: string): string {
  const text = JSON.stringify({ ...document, savedBy });
  if (text.length <= GROUP_DOCUMENT_CHARACTERS_MAX) return text;
  return JSON.stringify({ ...document, protocolName: null, leaderId: null, members: [], savedBy });
}

export function parseGroupDocument(text: string): GroupDocument {
  return JSON.parse(text) as GroupDocument;
}
