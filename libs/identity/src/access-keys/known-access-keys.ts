import type { Documents, StoredDocument } from '@tailrace/shard-core';
import type { Signer } from '../aws/signature-verifier.ts';
import { DocumentMirror, type Meaning } from '../documents/document-mirror.ts';
import type { Policy } from '../policies/policy.ts';
import { type Principal, userArn } from '../policies/principal.ts';
import { ACCESS_KEY_PREFIX, readAccessKey } from './access-key-document.ts';
import type { SecretSealing } from './secret-sealing.ts';

/** The bearer of an access key: who it is and what it may do. */
export interface AccessKeyIdentity extends Principal {
  readonly accessKeyId: string;
  readonly userName: string;
  readonly policies: readonly Policy[];
}

/**
 * All access keys of the deployment, in memory. A revocation counts in every process as soon as its store tells it, well
 * within a second. While the store is away, what is known stays.
 */
export class KnownAccessKeys {
  readonly #mirror: DocumentMirror<Signer<AccessKeyIdentity>>;

  private constructor(mirror: DocumentMirror<Signer<AccessKeyIdentity>>) {
    this.#mirror = mirror;
  }

  /** Throws StoreUnavailable. */
  static async open(documents: Documents, sealing: SecretSealing): Promise<KnownAccessKeys> {
    const mirror = await DocumentMirror.open(documents, {
      things: 'access keys',
      prefix: ACCESS_KEY_PREFIX,
      read: (document, id) => readSigner(document, id, sealing),
    });
    return new KnownAccessKeys(mirror);
  }

  get size(): number {
    return this.#mirror.size;
  }

  /** `undefined`: nobody has it, it is revoked, or its secret cannot be opened. */
  readonly find = (accessKeyId: string): Signer<AccessKeyIdentity> | undefined => this.#mirror.get(accessKeyId);

  async close(): Promise<void> {
    await this.#mirror.close();
  }
}

function readSigner(
  stored: StoredDocument,
  accessKeyId: string,
  sealing: SecretSealing,
): Meaning<Signer<AccessKeyIdentity>> {
  const read = readAccessKey(stored);
  if (typeof read === 'string') return { problem: `an access key cannot be read and is refused: ${read}` };
  const { document, description, policy } = read;
  if (description.revokedAtMs !== undefined || document.secret === undefined) return undefined;
  const secret = sealing.open(stored.key, document.secret);
  if (secret === undefined) return { problem: 'an access key is refused: no master key opens its secret' };
  const { account, userName } = description;
  const identity = { accessKeyId, account, userName, arn: userArn(account, userName), policies: [policy] };
  return { value: { secret, identity } };
}
