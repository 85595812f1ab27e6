import type { Acl, AclOperation, PatternType, Permission, ResourceType } from '@tailrace/identity';

/** The protocol's numbers for the words of access control entries, and back. Those that only filters use are named here. */
export const ANY = 1;
/** A pattern type of filters: whatever covers the name. */
export const MATCH = 2;

const RESOURCE_TYPES: Readonly<Record<ResourceType, number>> = {
  TOPIC: 2, GROUP: 3, CLUSTER: 4, TRANSACTIONAL_ID: 5, DELEGATION_TOKEN: 6, USER: 7,
}; // prettier-ignore
const PATTERN_TYPES: Readonly<Record<PatternType, number>> = { LITERAL: 3, PREFIXED: 4 };
const PERMISSIONS: Readonly<Record<Permission, number>> = { DENY: 2, ALLOW: 3 };
export const OPERATION_CODES: Readonly<Record<AclOperation, number>> = {
  ALL: 2, READ: 3, WRITE: 4, CREATE: 5, DELETE: 6, ALTER: 7, DESCRIBE: 8, CLUSTER_ACTION: 9, DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11, IDEMPOTENT_WRITE: 12, CREATE_TOKENS: 13, DESCRIBE_TOKENS: 14, TWO_PHASE_COMMIT: 15,
}; // prettier-ignore

const backwards = <Word extends string>(codes: Readonly<Record<Word, number>>): ReadonlyMap<number, Word> =>
  new Map(Object.entries<number>(codes).map(([word, code]) => [code, word as Word]));

const resourceTypeOf = backwards(RESOURCE_TYPES);
const patternTypeOf = backwards(PATTERN_TYPES);
const permissionOf = backwards(PERMISSIONS);
const operationOf = backwards(OPERATION_CODES);

/** An entry in the protocol's numbers. */
export interface CodedAcl {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly patternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

export function encodeAcl(acl: Acl): CodedAcl {
  return {
    resourceType: RESOURCE_TYPES[acl.resourceType],
    resourceName: acl.resourceName,
    patternType: PATTERN_TYPES[acl.patternType],
    principal: acl.principal,
    host: acl.host,
    operation: OPERATION_CODES[acl.operation],
    permissionType: PERMISSIONS[acl.permission],
  };
}

/** A sentence where a number stands for nothing that an entry can say. */
export function decodeAcl(coded: CodedAcl): Acl | string {
  const resourceType = resourceTypeOf.get(coded.resourceType);
  if (resourceType === undefined) return `Invalid resource type ${coded.resourceType}`;
  const patternType = patternTypeOf.get(coded.patternType);
  if (patternType === undefined) return `Invalid pattern type ${coded.patternType}`;
  const operation = operationOf.get(coded.operation);
  if (operation === undefined) return `Invalid operation ${coded.operation}`;
  const permission = permissionOf.get(coded.permissionType);
  if (permission === undefined) return `Invalid permission type ${coded.permissionType}`;
  const { resourceName, principal, host } = coded;
  return { resourceType, resourceName, patternType, principal, host, operation, permission };
}

/** A filter as it comes: 1 is any, null any name. */
export interface AclFilter {
  readonly resourceTypeFilter: number;
  readonly resourceNameFilter: string | null;
  readonly patternTypeFilter: number;
  readonly principalFilter: string | null;
  readonly hostFilter: string | null;
  readonly operation: number;
  readonly permissionType: number;
}

/** A sentence where a number stands for nothing that can be looked for. */
export function problemOfFilter(filter: AclFilter): string | undefined {
  const { resourceTypeFilter, patternTypeFilter, operation, permissionType } = filter;
  if (resourceTypeFilter !== ANY && !resourceTypeOf.has(resourceTypeFilter)) {
    return `Invalid resource type ${resourceTypeFilter}`;
  }
  if (patternTypeFilter !== ANY && patternTypeFilter !== MATCH && !patternTypeOf.has(patternTypeFilter)) {
    return `Invalid pattern type ${patternTypeFilter}`;
  }
  if (operation !== ANY && !operationOf.has(operation)) return `Invalid operation ${operation}`;
  if (permissionType !== ANY && !permissionOf.has(permissionType)) return `Invalid permission type ${permissionType}`;
  return undefined;
}

/** Whether a filter names an entry. */
export function matches(filter: AclFilter, acl: Acl): boolean {
  const coded = encodeAcl(acl);
  return (
    (filter.resourceTypeFilter === ANY || filter.resourceTypeFilter === coded.resourceType) &&
    (filter.principalFilter === null || filter.principalFilter === acl.principal) &&
    (filter.hostFilter === null || filter.hostFilter === acl.host) &&
    (filter.operation === ANY || filter.operation === coded.operation) &&
    (filter.permissionType === ANY || filter.permissionType === coded.permissionType) &&
    matchesPattern(filter, coded)
  );
}

function matchesPattern({ resourceNameFilter: name, patternTypeFilter }: AclFilter, acl: CodedAcl): boolean {
  const isLiteral = acl.patternType === PATTERN_TYPES.LITERAL;
  if (patternTypeFilter === MATCH) {
    if (name === null || acl.resourceName === name) return true;
    return isLiteral ? acl.resourceName === '*' : name.startsWith(acl.resourceName);
  }
  if (patternTypeFilter !== ANY && patternTypeFilter !== acl.patternType) return false;
  return name === null || acl.resourceName === name;
}
