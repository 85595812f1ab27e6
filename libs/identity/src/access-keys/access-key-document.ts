import type { StoredDocument } from '@tailrace/shard-core';
import { compilePolicy, type Policy } from '../policies/policy.ts';
import { type AccessKeyDescription, isAccount, isUserName } from './access-key.ts';
import type { StoredSecret } from './secret-sealing.ts';

export const ACCESS_KEY_PREFIX = 'identity/access-key/';

/** An access key as it lies in the store, under `identity/access-key/<id>`. */
export interface AccessKeyDocument {
  readonly account: string;
  readonly userName: string;
  readonly description: string;
  readonly createdAtMs: number;
  readonly revokedAtMs?: number;
  /** Erased when the key is revoked. */
  readonly secret?: StoredSecret;
  readonly policy: unknown;
}

export interface StoredAccessKey {
  readonly description: AccessKeyDescription;
  readonly document: AccessKeyDocument;
  readonly policy: Policy;
}

export function documentKeyOf(accessKeyId: string): string {
  return ACCESS_KEY_PREFIX + accessKeyId;
}

export function accessKeyIdOf(documentKey: string): string {
  return documentKey.slice(ACCESS_KEY_PREFIX.length);
}

/** Takes a stored access key apart. If it is none that this version knows: a sentence about what is wrong. */
export function readAccessKey({ key, value }: StoredDocument): StoredAccessKey | string {
  let document: Partial<AccessKeyDocument> | null;
  try {
    document = JSON.parse(value) as Partial<AccessKeyDocument> | null;
  } catch (error) {
    return `the document is not JSON: ${(error as SyntaxError).message}`;
  }
  const { account, userName, description, createdAtMs, revokedAtMs, secret } = document ?? {};
  if (typeof account !== 'string' || !isAccount(account)) return 'it has no account of twelve digits';
  if (typeof userName !== 'string' || !isUserName(userName)) return 'it has no user name';
  if (typeof createdAtMs !== 'number' || (revokedAtMs !== undefined && typeof revokedAtMs !== 'number')) {
    return 'it has no moment of creation, or a wrong one of revocation';
  }
  if (secret !== undefined && !isStoredSecret(secret)) return 'its secret is of an unknown form';
  const compiled = compilePolicy('identity', document?.policy);
  if (!compiled.ok) return compiled.problem;
  return {
    description: {
      id: accessKeyIdOf(key),
      account,
      userName,
      description: description ?? '',
      createdAtMs,
      revokedAtMs,
      encrypted: secret !== undefined && 'sealed' in secret,
      policy: compiled.policy.document,
    },
    document: document as AccessKeyDocument,
    policy: compiled.policy,
  };
}

function isStoredSecret(secret: object): secret is StoredSecret {
  return (
    ('plain' in secret && typeof secret.plain === 'string') ||
    ('sealed' in secret &&
      typeof secret.sealed === 'string' &&
      'masterKey' in secret &&
      typeof secret.masterKey === 'string')
  );
}
