import type { RequestHeader } from '@tailrace/kafka-protocol';
import { offSpan } from '@tailrace/telemetry';
import type { SaslSession } from '../security/sasl-session.ts';
import type { Frame } from './frame-reader.ts';

/** Who sent a request. */
export interface Peer {
  /** As seen from here, for logs and for what is kept of a group's members. */
  readonly host: string;
  readonly port: number;
  /** `User:<name>`; `User:ANONYMOUS` as long as nothing else is known. */
  readonly principal: string;
  /** Where the client stands with its authentication; absent where nobody is asked, or a certificate was shown. */
  readonly sasl: SaslSession | undefined;
  /** The term of this bridge (`BrokerRegistry.term`) in which the connection began. */
  readonly term: number;
  /** Fires when the connection is gone or about to be closed: whoever waits for the peer's sake stops. */
  readonly signal: AbortSignal;
}

/** One request and what its handler decides about the answer, besides its content. */
export class Exchange {
  readonly header: RequestHeader;
  readonly peer: Peer;
  readonly frame: Frame;
  readonly startedMs: number = performance.now();
  /** The request's span; does nothing while tracing is off. */
  span = offSpan;
  /** Milliseconds for which the client is to be silent; the connection is not read from so long (KIP-219). */
  throttleMs = 0;
  /** The answer's error, for metrics and spans: the first one that the handler noted. */
  errorCode = 0;
  /** Whether the client may read a topic, by its name or (with an empty name) its id; absent where everybody may. */
  mayRead: ((topicName: string, topicId: string) => boolean) | undefined;
  /** Set while the requests behind this one must wait until it is answered. */
  #holdsFollowers = false;
  #closeReason: string | undefined;
  #afterSent: (() => void)[] | undefined;
  /** The encoded answer; empty where there is none to send. */
  #answer: readonly Buffer[] | undefined;
  #frameReusable = true;

  constructor(header: RequestHeader, peer: Peer, frame: Frame) {
    this.header = header;
    this.peer = peer;
    this.frame = frame;
  }

  /** Keeps requests behind this one from starting early, because its own work could not start at once. */
  holdFollowers(): void {
    this.#holdsFollowers = true;
  }

  get holdsFollowers(): boolean {
    return this.#holdsFollowers;
  }

  /** Calls when the last byte of the answer has been handed to the system, or will never be. */
  afterSent(release: () => void): void {
    (this.#afterSent ??= []).push(release);
  }

  get waitsForSent(): boolean {
    return this.#afterSent !== undefined;
  }

  noteError(errorCode: number): void {
    if (this.errorCode === 0) this.errorCode = errorCode;
  }

  /** Ends the connection once what was asked before is answered. */
  closeConnection(reason: string): void {
    this.#closeReason ??= reason;
  }

  /** Ends the connection, and nothing is answered. */
  endUnanswered(reason: string): void {
    this.closeConnection(reason);
    this.answer([]);
  }

  get closeReason(): string | undefined {
    return this.#closeReason;
  }

  /** Somebody may still read the frame (an append whose outcome is unknown): its memory is left to the collector. */
  keepFrame(): void {
    this.#frameReusable = false;
  }

  get frameReusable(): boolean {
    return this.#frameReusable;
  }

  answer(chunks: readonly Buffer[]): void {
    this.#answer = chunks;
  }

  get answered(): readonly Buffer[] | undefined {
    return this.#answer;
  }

  sent(): void {
    const releases = this.#afterSent;
    if (releases === undefined) return;
    this.#afterSent = undefined;
    for (const release of releases) release();
  }
}
