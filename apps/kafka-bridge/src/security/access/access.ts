import type { ErrorCode } from '@tailrace/kafka-protocol';
import { type Authorizer, CLUSTER_NAME, type Operation, type ResourceType } from '@tailrace/identity';
import type { StreamCatalog } from '@tailrace/shard-core';
import type { Exchange, Peer } from '../../connection/exchange.ts';
import { OPERATION_CODES } from '../acl-codes.ts';

/** What the sender of one request may do. */
export class Access {
  readonly #authorizer: Authorizer;
  readonly #peer: Peer;
  readonly catalog: StreamCatalog;
  readonly exchange: Exchange;

  constructor(authorizer: Authorizer, catalog: StreamCatalog, exchange: Exchange) {
    this.#authorizer = authorizer;
    this.#peer = exchange.peer;
    this.catalog = catalog;
    this.exchange = exchange;
  }

  may(operation: Operation, resourceType: ResourceType, resourceName: string): boolean {
    return this.#authorizer.allows(this.#peer, operation, resourceType, resourceName);
  }

  mayWithTopic(operation: Operation, topic: string): boolean {
    return this.may(operation, 'TOPIC', topic);
  }

  mayWithGroup(operation: Operation, groupId: string): boolean {
    return this.may(operation, 'GROUP', groupId);
  }

  mayWithCluster(operation: Operation): boolean {
    return this.may(operation, 'CLUSTER', CLUSTER_NAME);
  }

  mayWithTransactionalId(operation: Operation, transactionalId: string): boolean {
    return this.may(operation, 'TRANSACTIONAL_ID', transactionalId);
  }

  /** Whether there is any topic that it may do this to. */
  mayWithSomeTopic(operation: Operation): boolean {
    return this.#authorizer.allowsAny(this.#peer, operation, 'TOPIC');
  }

  mayCreateTopic(topic: string): boolean {
    return this.mayWithCluster('CREATE') || this.mayWithTopic('CREATE', topic);
  }

  /** As the bit set in which answers tell it. */
  operations(resourceType: ResourceType, resourceName: string): number {
    return this.#authorizer
      .allowedOperations(this.#peer, resourceType, resourceName)
      .reduce((bits, operation) => bits | (1 << OPERATION_CODES[operation]), 0);
  }

  /** The name of a topic that is named by id, or by name; empty where there is none with this id. */
  topicName(topicId: string, name = ''): string {
    return name === '' ? (this.catalog.peekById(topicId)?.name ?? '') : name;
  }
}

/** What comes of a request that was looked at. */
export type Verdict<Request, Answer> =
  /** As it stands. */
  | { readonly kind: 'passes' }
  /** Whole: with this answer. */
  | { readonly kind: 'refused'; readonly errorCode: ErrorCode; readonly answer: Answer }
  /** What may be done of it is `request`; its answer is made whole by `complete`. */
  | {
      readonly kind: 'changed';
      /** The first one that was refused, if anything was. */
      readonly errorCode: ErrorCode | undefined;
      readonly request: Request;
      readonly complete: (answer: Answer) => Answer;
    };

export const PASSES = { kind: 'passes' } as const;

export function refused<Answer>(errorCode: ErrorCode, answer: Answer) {
  return { kind: 'refused', errorCode, answer } as const;
}

export function changed<Request, Answer>(
  request: Request,
  complete: (answer: Answer) => Answer,
  errorCode?: ErrorCode,
): Verdict<Request, Answer> {
  return { kind: 'changed', errorCode, request, complete };
}

/** A list in two: what may pass, and what may not. */
export function split<T>(
  list: readonly T[],
  mayPass: (one: T) => boolean,
): { readonly kept: T[]; readonly refusedOnes: T[] } {
  const kept: T[] = [];
  const refusedOnes: T[] = [];
  for (const one of list) (mayPass(one) ? kept : refusedOnes).push(one);
  return { kept, refusedOnes };
}

/** An element of a list that may be absent. */
type ElementOf<List> = NonNullable<List> extends readonly (infer Element)[] ? Element : never;

/**
 * A request about several things, each of which is answered by itself: those that may not pass are taken out of the list
 * `asked`, and their answers stand behind the others in `answered`.
 */
export function eachByItself<
  Request extends object,
  Answer extends object,
  Asked extends keyof Request,
  Answered extends keyof Answer,
>(
  request: Request,
  asked: Asked,
  mayPass: (one: ElementOf<Request[Asked]>) => boolean,
  answered: Answered,
  refuse: (one: ElementOf<Request[Asked]>) => ElementOf<Answer[Answered]>,
  errorCode: ErrorCode,
): Verdict<Request, Answer> {
  const { kept, refusedOnes } = split((request[asked] ?? []) as readonly ElementOf<Request[Asked]>[], mayPass);
  if (refusedOnes.length === 0) return PASSES;
  return changed(
    { ...request, [asked]: kept },
    (answer) => {
      const others = (answer[answered] ?? []) as readonly ElementOf<Answer[Answered]>[];
      return { ...answer, [answered]: [...others, ...refusedOnes.map(refuse)] };
    },
    errorCode,
  );
}
