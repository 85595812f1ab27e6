import type { BatchHeader } from '@tailrace/kafka-protocol';
import type { AbortedTransaction, LogSlice } from './log.ts';

/** What slices share that have none. */
export const NO_ABORTED_TRANSACTIONS: readonly AbortedTransaction[] = [];

/** Whether a batch of a slice that was read with `readCommitted` belongs to an aborted transaction. */
export function isAborted(
  { abortedTransactions }: Pick<LogSlice, 'abortedTransactions'>,
  header: BatchHeader,
): boolean {
  // Nearly always.
  if (abortedTransactions.length === 0 || !header.isTransactional) return false;
  const { producerId, baseOffset } = header;
  for (const aborted of abortedTransactions) {
    if (aborted.firstOffset > baseOffset) return false;
    if (aborted.producerId === producerId && baseOffset <= aborted.lastOffset) return true;
  }
  return false;
}
