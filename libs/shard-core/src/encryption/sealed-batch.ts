import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto';
import { crc32c } from '@tailrace/hashing';
import {
  BATCH_HEADER_BYTES,
  BATCH_PREFIX_BYTES,
  type BatchHeader,
  batchSizeAt,
  readBatchHeader,
} from '@tailrace/kafka-protocol';
import { StoreUnavailable } from '../contract/refusal.ts';
import { parseShardKey, type ShardKey } from '../contract/shard-key.ts';
import type { KeyRing } from './key-ring.ts';

/**
 * A batch whose records are encrypted. The header stays, with a bit set, length and checksum anew; in place of the records:
 *
 * | Bytes | |
 * |---|---|
 * | 1 | version of this layout, 1 |
 * | 1 + n | key id, its length before it |
 * | 12 | nonce, random |
 * | n | the records' bytes (compressed, if they were), AES-256-GCM |
 * | 16 | tag |
 *
 * Bound to it as additional data are the shard's key, the header from attributes to record count, version and key id.
 */
const LAYOUT_VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = 'aes-256-gcm';
/** Bit 14 of the attributes, which Kafka leaves unused. */
const SEALED_ATTRIBUTE = 0x4000;
/** Positions in a batch. */
const AT = { length: 8, crc: 17, attributes: 21, body: BATCH_HEADER_BYTES } as const;
/** The high byte of the attributes, and the bit in it. */
const SEALED_BYTE_BIT = SEALED_ATTRIBUTE >> 8;
/** Nonces are drawn in advance: one call of the system's random generator costs as much as a small batch. */
const nonces = Buffer.allocUnsafe(NONCE_BYTES * 256);
let nonceAt = nonces.length;

/** Whether a batch says of itself that it is sealed. Nobody but the log may make such. */
export function isSealed({ attributes }: Pick<BatchHeader, 'attributes'>): boolean {
  return (attributes & SEALED_ATTRIBUTE) !== 0;
}

/** Bytes that a sealed batch has above the plain one. */
export function sealedOverheadBytes(keyId: string): number {
  return 2 + keyId.length + NONCE_BYTES + TAG_BYTES;
}

/** A key that the ring of this process does not have: for batches that were sealed with it, or are to be. */
export class EncryptionKeyMissing extends StoreUnavailable {
  readonly keyId: string;

  constructor(keyId: string, shard: ShardKey) {
    super(
      `the key ${keyId} of stream ${parseShardKey(shard).streamId} is not among the encryption keys of this process`,
    );
    this.keyId = keyId;
  }
}

/** A new batch with the records of another one sealed. Throws EncryptionKeyMissing. */
export function sealBatch(
  batch: Buffer,
  shard: ShardKey,
  keyId: string,
  keyRing: KeyRing,
): { readonly batch: Buffer; readonly header: BatchHeader } {
  const key = keyRing.key(keyId);
  if (key === undefined) throw new EncryptionKeyMissing(keyId, shard);
  const sealed = Buffer.allocUnsafe(batch.length + sealedOverheadBytes(keyId));
  batch.copy(sealed, 0, 0, BATCH_HEADER_BYTES);
  sealed.writeInt32BE(sealed.length - BATCH_PREFIX_BYTES, AT.length);
  sealed[AT.attributes] = (batch[AT.attributes] as number) | SEALED_BYTE_BIT;
  sealed[AT.body] = LAYOUT_VERSION;
  sealed[AT.body + 1] = keyId.length;
  const nonceStart = AT.body + 2 + sealed.write(keyId, AT.body + 2, 'latin1');
  const bodyStart = nonceStart + NONCE_BYTES;
  const nonce = takeNonce();
  nonce.copy(sealed, nonceStart);
  const cipher = createCipheriv(ALGORITHM, key, nonce);
  cipher.setAAD(boundTo(shard, sealed, 0, nonceStart));
  const body = cipher.update(batch.subarray(BATCH_HEADER_BYTES));
  body.copy(sealed, bodyStart);
  // In this mode everything is given at once: what is final is the tag alone.
  cipher.final();
  cipher.getAuthTag().copy(sealed, sealed.length - TAG_BYTES);
  sealed.writeUInt32BE(crc32c(sealed.subarray(AT.attributes)), AT.crc);
  return { batch: sealed, header: readBatchHeader(sealed, 0) };
}

/** Whether there is a sealed batch in a chunk of whole batches. Looks at headers alone. */
export function holdsSealed(chunk: Buffer): boolean {
  for (let at = 0; at < chunk.length; at += batchSizeAt(chunk, at)) if (isSealedAt(chunk, at)) return true;
  return false;
}

/** Of each batch of a chunk: the id of the key that it is sealed with; `undefined`: it is plain. */
export function keyIdsOf(chunk: Buffer): (string | undefined)[] {
  const ids: (string | undefined)[] = [];
  for (let at = 0; at < chunk.length; at += batchSizeAt(chunk, at)) {
    const start = at + AT.body + 2;
    ids.push(isSealedAt(chunk, at) ? chunk.toString('latin1', start, start + (chunk[start - 1] as number)) : undefined);
  }
  return ids;
}

export interface OpenedChunk {
  readonly chunk: Buffer;
  /** Of each batch in order: whether it lay sealed. */
  readonly sealed: readonly boolean[];
}

/**
 * A copy of a chunk of whole batches in which all are plain. Throws EncryptionKeyMissing, and StoreUnavailable for a batch
 * that does not open: it was damaged, changed, or brought here from another shard.
 */
export function openChunk(chunk: Buffer, shard: ShardKey, keyRing: KeyRing): OpenedChunk {
  let plainBytes = 0;
  const sealed: boolean[] = [];
  for (let at = 0; at < chunk.length;) {
    const size = batchSizeAt(chunk, at);
    const isOne = isSealedAt(chunk, at);
    sealed.push(isOne);
    plainBytes += isOne ? size - (chunk[at + AT.body + 1] as number) - sealedOverheadBytes('') : size;
    at += size;
  }
  const opened = Buffer.allocUnsafe(plainBytes);
  let target = 0;
  let at = 0;
  for (const isOne of sealed) {
    const size = batchSizeAt(chunk, at);
    target += isOne
      ? openBatch(chunk, at, size, opened, target, shard, keyRing)
      : chunk.copy(opened, target, at, at + size);
    at += size;
  }
  return { chunk: opened, sealed };
}

/** Writes the plain form of a sealed batch to `target`. Answers its size. */
function openBatch(
  chunk: Buffer,
  at: number,
  size: number,
  opened: Buffer,
  target: number,
  shard: ShardKey,
  keyRing: KeyRing,
): number {
  const unreadable = (why: string, cause?: unknown) =>
    new StoreUnavailable(
      `the encrypted batch at offset ${chunk.readBigInt64BE(at)} of shard ${shard} cannot be opened: ${why}`,
      { cause },
    );
  const version = chunk[at + AT.body] as number;
  if (version !== LAYOUT_VERSION) throw unreadable(`layout ${version} is not known`);
  const keyIdBytes = chunk[at + AT.body + 1] as number;
  const nonceStart = at + AT.body + 2 + keyIdBytes;
  const bodyStart = nonceStart + NONCE_BYTES;
  const bodyEnd = at + size - TAG_BYTES;
  if (bodyEnd < bodyStart) throw unreadable(`it has ${size} bytes`);
  const keyId = chunk.toString('latin1', at + AT.body + 2, nonceStart);
  const key = keyRing.key(keyId);
  if (key === undefined) throw new EncryptionKeyMissing(keyId, shard);
  const decipher = createDecipheriv(ALGORITHM, key, chunk.subarray(nonceStart, bodyStart));
  decipher.setAAD(boundTo(shard, chunk, at, nonceStart));
  decipher.setAuthTag(chunk.subarray(bodyEnd, bodyEnd + TAG_BYTES));
  const body = decipher.update(chunk.subarray(bodyStart, bodyEnd));
  try {
    decipher.final();
  } catch (error) {
    // The one error that `final` has: the tag does not fit.
    throw unreadable(`it was changed, or is not of this shard, or key ${keyId} is another one now`, error);
  }
  const plainSize = BATCH_HEADER_BYTES + body.length;
  chunk.copy(opened, target, at, at + BATCH_HEADER_BYTES);
  body.copy(opened, target + BATCH_HEADER_BYTES);
  opened.writeInt32BE(plainSize - BATCH_PREFIX_BYTES, target + AT.length);
  opened[target + AT.attributes] = (chunk[at + AT.attributes] as number) & ~SEALED_BYTE_BIT;
  opened.writeUInt32BE(crc32c(opened.subarray(target + AT.attributes, target + plainSize)), target + AT.crc);
  return plainSize;
}

function isSealedAt(chunk: Buffer, at: number): boolean {
  return ((chunk[at + AT.attributes] as number) & SEALED_BYTE_BIT) !== 0;
}

/** What a batch is tied to: its shard, and all of the sealed one from the attributes to the nonce. */
function boundTo(shard: ShardKey, sealed: Buffer, at: number, nonceStart: number): Buffer {
  const bound = Buffer.allocUnsafe(shard.length + nonceStart - at - AT.attributes);
  bound.write(shard, 0, 'latin1');
  sealed.copy(bound, shard.length, at + AT.attributes, nonceStart);
  return bound;
}

function takeNonce(): Buffer {
  if (nonceAt === nonces.length) {
    randomFillSync(nonces);
    nonceAt = 0;
  }
  return nonces.subarray(nonceAt, (nonceAt += NONCE_BYTES));
}
