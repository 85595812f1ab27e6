import {
  errorCodes,
  listTransactionsApi,
  type ListTransactionsRequest,
  type ListTransactionsResponse,
} from '@tailrace/kafka-protocol';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { compileTopicRegex, type TopicRegex } from '../groups/topic-regex.ts';
import type { DescribedTransaction } from '../transactions/transaction-coordinator.ts';
import { isOpen, type TransactionState, transactionStates } from '../transactions/transaction-document.ts';
import { handler } from './handler.ts';

/**
 * ListTransactions: the transactional ids that this bridge coordinates, and what state they are in. A state that is none is
 * named in the answer; where only such are asked for, nothing is listed. A pattern is RE2's, and the whole id has to match.
 * Errors: INVALID_REGULAR_EXPRESSION, COORDINATOR_NOT_AVAILABLE.
 */
export const listTransactions = handler({
  api: listTransactionsApi,
  versions: listTransactionsApi.advertised,
  async run(request, exchange, { transactions }): Promise<ListTransactionsResponse> {
    const unknownStateFilters = request.stateFilters.filter((state) => !isState(state));
    const failed = (errorCode: number): ListTransactionsResponse => {
      exchange.noteError(errorCode);
      return { throttleTimeMs: 0, errorCode, unknownStateFilters, transactionStates: [] };
    };
    const { transactionalIdPattern } = request;
    const pattern = transactionalIdPattern ? await compileTopicRegex(transactionalIdPattern) : undefined;
    if (typeof pattern === 'string') return failed(errorCodes.INVALID_REGULAR_EXPRESSION);
    const all = await unlessUnavailable(transactions.list(), () => undefined);
    if (all === undefined) return failed(errorCodes.COORDINATOR_NOT_AVAILABLE);
    const nowMs = Date.now();
    const wanted = all.filter((one) => isWanted(one, request, pattern, nowMs));
    return {
      throttleTimeMs: 0,
      errorCode: errorCodes.NONE,
      unknownStateFilters,
      transactionStates: wanted.map(({ transactionalId, transaction: { producerId, state } }) => ({
        transactionalId,
        producerId,
        transactionState: state,
      })),
    };
  },
});

function isWanted(
  { transactionalId, transaction }: DescribedTransaction,
  { stateFilters, producerIdFilters, durationFilter }: ListTransactionsRequest,
  pattern: TopicRegex | undefined,
  nowMs: number,
): boolean {
  if (stateFilters.length > 0 && !stateFilters.includes(transaction.state)) return false;
  if (producerIdFilters.length > 0 && !producerIdFilters.includes(transaction.producerId)) return false;
  const isLong = isOpen(transaction) && nowMs - transaction.startedAtMs > Number(durationFilter);
  if (durationFilter >= 0n && !isLong) return false;
  return pattern === undefined || pattern.matches(transactionalId);
}

function isState(text: string): text is TransactionState {
  return (transactionStates as readonly string[]).includes(text);
}
