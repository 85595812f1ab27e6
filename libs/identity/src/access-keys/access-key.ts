import { randomBytes, randomInt } from 'node:crypto';
import type { PolicyDocument } from '../policies/policy.ts';

/** An access key as an operator sees it: everything but the secret. */
export interface AccessKeyDescription {
  readonly id: string;
  /** Twelve digits: whose streams its bearer means when it names no other. */
  readonly account: string;
  /** The name in `arn:aws:iam::<account>:user/<name>`. Several keys may be one user's. */
  readonly userName: string;
  /** What the operator noted. */
  readonly description: string;
  readonly createdAtMs: number;
  /** Then it is good for nothing any more, and its secret is erased. */
  readonly revokedAtMs: number | undefined;
  /** Whether the secret lies encrypted in the store. */
  readonly encrypted: boolean;
  readonly policy: PolicyDocument;
}

export const ACCESS_KEY_ID_PREFIX = 'AKIA';
const ID_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const ID_CHARACTERS = 20;
/** 30 bytes are 40 characters of base64, and no padding. */
const SECRET_BYTES = 30;

/** 20 characters like AWS's, 80 bits of them random. */
export function newAccessKeyId(): string {
  let id = ACCESS_KEY_ID_PREFIX;
  while (id.length < ID_CHARACTERS) id += ID_ALPHABET[randomInt(ID_ALPHABET.length)];
  return id;
}

/** 40 characters like AWS's, all 240 bits random. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64');
}

/** AWS's bounds for ids, for keys that were made elsewhere. A slash would end the id within a credential. */
export function isAccessKeyId(text: string): boolean {
  return /^\w{3,128}$/.test(text);
}

/** Of a key that was made elsewhere. */
export function isSecret(text: string): boolean {
  return /^[\x21-\x7e]{1,128}$/.test(text);
}

export function isAccount(text: string): boolean {
  return /^\d{12}$/.test(text);
}

/** IAM's rule for user names. */
export function isUserName(text: string): boolean {
  return /^[\w+=,.@-]{1,64}$/.test(text);
}
