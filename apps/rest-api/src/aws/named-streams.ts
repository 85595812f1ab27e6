import type { Stream, StreamCatalog, StreamDocument } from '@tailrace/shard-core';
import { invalidArgument, resourceInUse, resourceNotFound } from './aws-error.ts';
import type { Caller } from './caller.ts';
import { refusalError } from './refusal-errors.ts';
import { parseStreamArn, streamArn } from './stream-arn.ts';
import type { StreamPlace, StreamPlaces } from './stream-places.ts';

/** The members by which a request names a stream. */
export interface StreamReference {
  readonly StreamName?: string;
  readonly StreamARN?: string;
}

/** A stream's name, and the account and region that it is looked for in. */
export interface NamedStream extends StreamPlace {
  readonly streamName: string;
}

/**
 * Finds streams by name, in the caller's account and region, or by ARN. Which streams are there say the places. Where
 * they are kept apart, another account's are found by their ARNs, and another region's by none: a region knows its own.
 */
export class NamedStreams {
  readonly #catalog: StreamCatalog;
  readonly #caller: Caller;
  readonly #places: StreamPlaces;

  constructor(catalog: StreamCatalog, caller: Caller, places: StreamPlaces) {
    this.#catalog = catalog;
    this.#caller = caller;
    this.#places = places;
  }

  /** Throws InvalidArgumentException when neither is given, or the two differ. */
  nameOf({ StreamName, StreamARN }: StreamReference): NamedStream {
    if (StreamARN === undefined) {
      if (StreamName === undefined) throw invalidArgument('Either StreamName or StreamARN should be provided.');
      const { account, region } = this.#caller;
      return { account, region, streamName: StreamName };
    }
    const parts = parseStreamArn(StreamARN);
    if (parts === undefined) throw invalidArgument(`StreamARN ${StreamARN} is not the ARN of a stream.`);
    if (StreamName !== undefined && StreamName !== parts.streamName) {
      throw invalidArgument(`StreamName ${StreamName} and StreamARN ${StreamARN} name different streams.`);
    }
    return parts;
  }

  async find(named: NamedStream): Promise<Stream | undefined> {
    const name = this.#places.keptName(named, named.streamName);
    const stream = this.#catalog.peek(name) ?? (await this.#catalog.find(name));
    return stream !== undefined && this.reaches(named, stream) ? stream : undefined;
  }

  /** As it is in the store now. */
  async refresh(named: NamedStream): Promise<Stream | undefined> {
    const stream = await this.#catalog.refresh(this.#places.keptName(named, named.streamName));
    return stream !== undefined && this.reaches(named, stream) ? stream : undefined;
  }

  /** Whether a stream is one that the caller can mean by an account and region. */
  reaches(place: StreamPlace, stream: Stream): boolean {
    const { separate } = this.#places;
    return (!separate || place.region === this.#caller.region) && this.#places.holds(place, stream);
  }

  /** Throws InvalidArgumentException, ResourceNotFoundException. */
  async existing(reference: StreamReference): Promise<Stream> {
    const named = this.nameOf(reference);
    const stream = await this.find(named);
    if (stream === undefined || stream.document.status === 'DELETING') throw streamNotFound(named);
    return stream;
  }

  /** A stream that takes and gives records. Throws also ResourceInUseException. */
  async usable(reference: StreamReference): Promise<Stream> {
    const stream = await this.existing(reference);
    if (stream.document.status === 'CREATING') {
      throw notActive(stream, this.nameOf(reference));
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
    let before = await this.refresh(named);
    if (before === undefined) throw streamNotFound(named);
    const outcome = await this.#catalog.decide(before.name, (stream) => {
      const { status } = stream.document;
      if (status === 'DELETING' || !this.reaches(named, stream)) throw streamNotFound(named);
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

  /** The name that its account knows a stream by. */
  nameShown(stream: Stream): string {
    return this.#places.shownName(stream);
  }

  arnOf(reference: StreamReference, stream: Stream): string {
    return reference.StreamARN ?? streamArn(this.#caller, this.nameShown(stream));
  }
}

export function notActive({ document }: Stream, { streamName, account }: NamedStream): Error {
  return resourceInUse(`Stream ${streamName} under account ${account} not ACTIVE, instead in state ${document.status}`);
}

export function streamNotFound({ streamName, account }: NamedStream): Error {
  return resourceNotFound(`Stream ${streamName} under account ${account} not found.`);
}
