import type { Stream, StreamCatalog } from '@tailrace/shard-core';
import { invalidArgument, resourceInUse, resourceNotFound } from './aws-error.ts';
import type { Caller } from './caller.ts';
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
      throw resourceInUse(
        `Stream ${stream.name} under account ${this.accountOf(reference)} not ACTIVE, instead in state CREATING`,
      );
    }
    return stream;
  }

  accountOf({ StreamARN }: StreamReference): string {
    return (StreamARN === undefined ? undefined : parseStreamArn(StreamARN)?.account) ?? this.#caller.account;
  }

  arnOf(reference: StreamReference, stream: Stream): string {
    return reference.StreamARN ?? streamArn(this.#caller, stream.name);
  }
}

export function streamNotFound({ streamName, account }: NamedStream): Error {
  return resourceNotFound(`Stream ${streamName} under account ${account} not found.`);
}
