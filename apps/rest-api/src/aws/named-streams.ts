import type { Stream, StreamCatalog, StreamDocument } from '@tailrace/shard-core';
import { invalidArgument, resourceInUse, resourceNotFound } from './aws-error.ts';
import type { Caller } from './caller.ts';
import { refusalError } from './refusal-errors.ts';
import { parseStreamArn, streamArn } from './stream-arn.ts';

/** The members by which a request names a stream. */
export interface StreamReference {
  readonly StreamName?: string;
  readonly StreamARN?: string;
}

/** A stream's name, and the account and region in which the caller sees it. */
export interface NamedStream extends Caller {
  readonly streamName: string;
}

/**
 * Finds streams by name or ARN. Whatever account and region a caller names, it is the one set of streams that this
 * deployment has; they only show in ARNs and texts.
 */
export class NamedStreams {
  readonly #catalog: StreamCatalog;
  readonly #caller: Caller;

  constructor(catalog: StreamCatalog, caller: Caller) {
    this.#catalog = catalog;
    this.#caller = caller;
  }

  /** Throws InvalidArgumentException when neither is given, or the two differ. */
  nameOf({ StreamName, StreamARN }: StreamReference): NamedStream {
    if (StreamARN === undefined) {
      if (StreamName === undefined) throw invalidArgument('Either StreamName or StreamARN should be provided.');
      return { ...this.#caller, streamName: StreamName };
    }
    const parts = parseStreamArn(StreamARN);
    if (parts === undefined) throw invalidArgument(`StreamARN ${StreamARN} is not the ARN of a stream.`);
    if (StreamName !== undefined && StreamName !== parts.streamName) {
      throw invalidArgument(`StreamName ${StreamName} and StreamARN ${StreamARN} name different streams.`);
    }
    return parts;
  }

  /** Throws InvalidArgumentException, ResourceNotFoundException. */
  async existing(reference: StreamReference): Promise<Stream> {
    const named = this.nameOf(reference);
    const stream = this.#catalog.peek(named.streamName) ?? (await this.#catalog.find(named.streamName));
    if (stream === undefined || stream.document.status === 'DELETING') throw streamNotFound(named);
    return stream;
  }

  /** A stream that takes and gives records. Throws also ResourceInUseException. */
  async usable(reference: StreamReference): Promise<Stream> {
    const stream = await this.existing(reference);
    if (stream.document.status === 'CREATING') {
      throw notActive(stream, { account: this.accountOf(reference) });
    }
    return stream;
  }

  /**
   * Changes an ACTIVE stream's document in one step with the decision whether to: `decide` sees the newest document,
   * answers the next one, or `undefined` to leave it, and may throw what the request deserves. Answers the stream as it
   * was before. Throws also ResourceInUseException.
   */
  async change(
    reference: StreamReference,
    decide: (document: StreamDocument, stream: Stream) => StreamDocument | undefined,
    { whileUpdating = false } = {},
  ): Promise<Stream> {
    const named = this.nameOf(reference);
    // What is refused must be refused by the truth, not by our picture of it.
    let before = await this.#catalog.refresh(named.streamName);
    if (before === undefined) throw streamNotFound(named);
    const outcome = await this.#catalog.decide(named.streamName, (stream) => {
      const { status } = stream.document;
      if (status === 'DELETING') throw streamNotFound(named);
      if (status !== 'ACTIVE' && !(whileUpdating && status === 'UPDATING')) throw notActive(stream, named);
      before = stream;
      const document = decide(stream.document, stream);
      return document && { ok: true, value: document };
    });
    if (!outcome.ok) throw refusalError(outcome.refusal, named);
    return before;
  }

  accountOf({ StreamARN }: StreamReference): string {
    return (StreamARN === undefined ? undefined : parseStreamArn(StreamARN)?.account) ?? this.#caller.account;
  }

  arnOf(reference: StreamReference, stream: Stream): string {
    return reference.StreamARN ?? streamArn(this.#caller, stream.name);
  }
}

export function notActive({ name, document }: Stream, { account }: { readonly account: string }): Error {
  return resourceInUse(`Stream ${name} under account ${account} not ACTIVE, instead in state ${document.status}`);
}

export function streamNotFound({ streamName, account }: NamedStream): Error {
  return resourceNotFound(`Stream ${streamName} under account ${account} not found.`);
}
