import { hash } from 'node:crypto';
import type { StoredDocument } from '@tailrace/shard-core';
import { type Acl, ACL_OPERATIONS, EVERYBODY, problemOfAcl, RESOURCE_TYPES, WILDCARD } from './acl.ts';

export const ACL_PREFIX = 'identity/acl/';

/** Of all that an entry says: the same one again is the same document. */
export function aclIdOf(acl: Acl): string {
  return hash('sha256', writeAcl(acl), 'base64url');
}

/** The members in a fixed order. */
export function writeAcl(acl: Acl): string {
  const { resourceType, resourceName, patternType, principal, host, operation, permission } = acl;
  return JSON.stringify({ resourceType, resourceName, patternType, principal, host, operation, permission });
}

/** If it is none that this version knows: a sentence about what is wrong. */
export function readAcl({ value }: StoredDocument): Acl | string {
  let acl: Acl;
  try {
    acl = JSON.parse(value) as Acl;
  } catch (error) {
    return `the document is not JSON: ${(error as SyntaxError).message}`;
  }
  if (typeof acl !== 'object' || acl === null) return 'the document is no object';
  if (!RESOURCE_TYPES.includes(acl.resourceType)) return 'its resource type is unknown';
  if (!ACL_OPERATIONS.includes(acl.operation)) return 'its operation is unknown';
  if (acl.patternType !== 'LITERAL' && acl.patternType !== 'PREFIXED') return 'its pattern type is unknown';
  if (acl.permission !== 'ALLOW' && acl.permission !== 'DENY') return 'it neither allows nor denies';
  for (const text of [acl.resourceName, acl.principal, acl.host])
    if (typeof text !== 'string') return 'a name is missing';
  return problemOfAcl(acl) ?? acl;
}

/** How an entry that cannot be read is shown: as what it comes to. No topic has such a name, so it is no other entry's. */
export function unreadableAcl(id: string): Acl {
  return {
    resourceType: 'TOPIC',
    resourceName: `unreadable:${id}`,
    patternType: 'LITERAL',
    principal: EVERYBODY,
    host: WILDCARD,
    operation: 'ALL',
    permission: 'DENY',
  };
}
