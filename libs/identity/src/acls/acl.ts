/**
 * Access control entries in Kafka's words. https://kafka.apache.org/documentation/#security_authz
 *
 * The names are those that Kafka's tools print; the bridge maps them to the protocol's numbers.
 */
export const ACL_OPERATIONS = [
  'ALL', 'READ', 'WRITE', 'CREATE', 'DELETE', 'ALTER', 'DESCRIBE', 'CLUSTER_ACTION', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS',
  'IDEMPOTENT_WRITE', 'CREATE_TOKENS', 'DESCRIBE_TOKENS', 'TWO_PHASE_COMMIT',
] as const; // prettier-ignore

/** What an entry says one may do; `ALL` stands for each. */
export type AclOperation = (typeof ACL_OPERATIONS)[number];
/** What is asked for. */
export type Operation = Exclude<AclOperation, 'ALL'>;

export const RESOURCE_TYPES = ['TOPIC', 'GROUP', 'CLUSTER', 'TRANSACTIONAL_ID', 'DELEGATION_TOKEN', 'USER'] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

/** `LITERAL`: this name, and `*` every name. `PREFIXED`: every name that begins so. */
export type PatternType = 'LITERAL' | 'PREFIXED';
export type Permission = 'ALLOW' | 'DENY';

/** The one resource of type CLUSTER. */
export const CLUSTER_NAME = 'kafka-cluster';
/** Every resource of a type, as a LITERAL name; every host. */
export const WILDCARD = '*';
export const EVERYBODY = 'User:*';
/** Who has shown nothing. */
export const ANONYMOUS = 'User:ANONYMOUS';

/** Says that somebody, from somewhere, may or may not do something to a resource. */
export interface Acl {
  readonly resourceType: ResourceType;
  readonly resourceName: string;
  readonly patternType: PatternType;
  /** `User:<name>`, or `User:*`. */
  readonly principal: string;
  /** An address, or `*`. */
  readonly host: string;
  readonly operation: AclOperation;
  readonly permission: Permission;
}

/** What can be done to a resource of each type, and so what an entry about one may name besides ALL. */
export const OPERATIONS_OF = {
  TOPIC: ['READ', 'WRITE', 'CREATE', 'DESCRIBE', 'DELETE', 'ALTER', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  GROUP: ['READ', 'DESCRIBE', 'DELETE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  CLUSTER: ['CREATE', 'CLUSTER_ACTION', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS', 'IDEMPOTENT_WRITE', 'ALTER', 'DESCRIBE'],
  TRANSACTIONAL_ID: ['DESCRIBE', 'WRITE', 'TWO_PHASE_COMMIT'],
  DELEGATION_TOKEN: ['DESCRIBE'],
  USER: ['CREATE_TOKENS', 'DESCRIBE_TOKENS'],
} as const satisfies Record<ResourceType, readonly Operation[]>;

/** Largest names, so that an entry is bounded; topics have 249 characters, groups and ids whatever clients like. */
export const ACL_TEXT_BYTES_MAX = 4_096;

const PRINCIPAL = /^User:.+$/s;

/** A sentence about why this is no entry that can be kept; `undefined` if it is one. */
export function problemOfAcl({
  resourceType,
  resourceName,
  principal,
  host,
  operation,
  patternType,
}: Acl): string | undefined {
  if (resourceName === '') return 'Resource name should not be empty';
  if (resourceType === 'CLUSTER' && (resourceName !== CLUSTER_NAME || patternType !== 'LITERAL')) {
    return `The only valid name for the CLUSTER resource is ${CLUSTER_NAME}`;
  }
  if (!PRINCIPAL.test(principal)) return `Could not parse principal from \`${principal}\` (it must be User:<name>)`;
  if (host === '') return 'Host should not be empty';
  for (const text of [resourceName, principal, host]) {
    if (Buffer.byteLength(text) > ACL_TEXT_BYTES_MAX) return `A name is longer than ${ACL_TEXT_BYTES_MAX} bytes`;
  }
  const known: readonly string[] = OPERATIONS_OF[resourceType];
  if (operation !== 'ALL' && !known.includes(operation)) {
    return `The ${resourceType} resource type has no operation ${operation}`;
  }
  return undefined;
}
