import {
  errorCodes,
  listTransactionsApi,
  type ListTransactionsRequest,
  type ListTransactionsResponse,
} from '@tailrace/kafka-protocol';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import type { DescribedTransaction } from '../transactions/transaction-coordinator.ts';
import { isOpen, type TransactionState, transactionStates } from '../transactions/transaction-document.ts';
import { handler } from './handler.ts';

/** Longest pattern that is compiled. */
export const PATTERN_LENGTH_MAX = 1_024;

/**
 * ListTransactions: the transactional ids that this bridge coordinates, and what state they are in. A state that is none is
 * named in the answer; where only such are asked for, nothing is listed.
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
    const pattern = compile(request.transactionalIdPattern);
    if (pattern === 'invalid') return failed(errorCodes.INVALID_REGULAR_EXPRESSION);
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
  pattern: RegExp | undefined,
  nowMs: number,
): boolean {
  if (stateFilters.length > 0 && !stateFilters.includes(transaction.state)) return false;
  if (producerIdFilters.length > 0 && !producerIdFilters.includes(transaction.producerId)) return false;
  const isLong = isOpen(transaction) && nowMs - transaction.startedAtMs > Number(durationFilter);
  if (durationFilter >= 0n && !isLong) return false;
  return pattern === undefined || pattern.test(transactionalId);
}

function isState(text: string): text is TransactionState {
  return (transactionStates as readonly string[]).includes(text);
}

/** The whole id has to match. Kafka's patterns are RE2's, a language that JavaScript's own nearly contains. */
function compile(pattern: string | null): RegExp | 'invalid' | undefined {
  if (pattern === null || pattern === '') return undefined;
  if (pattern.length > PATTERN_LENGTH_MAX) return 'invalid';
  try {
    return new RegExp(`^(?:${pattern})$`, 'u');
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return 'invalid';
  }
}
