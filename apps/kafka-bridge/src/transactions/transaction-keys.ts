/** Longest transactional id, in bytes of its escaped form, so that every key stays below the 1,024 bytes that a document allows. */
export const TRANSACTIONAL_ID_BYTES_MAX = 640;

/** `transaction/<id>`: the producer that holds the id, and how its transaction stands. */
export const TRANSACTION_PREFIX = 'transaction/';
/** `open-transaction/<id>`: there while a transaction is open or being ended, so that these are found without a look at all ids. */
export const OPEN_TRANSACTION_PREFIX = 'open-transaction/';

/** Whether the id can name a transactional producer. Kafka refuses only the empty one. */
export function isTransactionalId(transactionalId: string): boolean {
  if (transactionalId === '' || transactionalId.length > TRANSACTIONAL_ID_BYTES_MAX) return false;
  return escape(transactionalId).length <= TRANSACTIONAL_ID_BYTES_MAX;
}

export function transactionKey(transactionalId: string): string {
  return TRANSACTION_PREFIX + escape(transactionalId);
}

export function openTransactionKey(transactionalId: string): string {
  return OPEN_TRANSACTION_PREFIX + escape(transactionalId);
}

/** The id of a key under one of the two prefixes. */
export function transactionalIdOf(key: string): string {
  return decodeURIComponent(key.slice(key.indexOf('/') + 1));
}

/** `transaction-offsets/<group>/`, and behind it the producer's id: offsets that are not valid before the transaction commits. */
export function pendingOffsetsPrefix(groupId: string): string {
  return `transaction-offsets/${escape(groupId)}/`;
}

export function pendingOffsetsKey(groupId: string, producerId: bigint): string {
  return pendingOffsetsPrefix(groupId) + producerId.toString();
}

/** By what name the bridge that coordinates the id is found. */
export function transactionOwnerName(transactionalId: string): string {
  return `transaction/${transactionalId}`;
}

/** Ids may hold anything, also a slash; a lone surrogate cannot be escaped, and counts as what UTF-8 makes of it. */
function escape(id: string): string {
  return encodeURIComponent(id.toWellFormed());
}
