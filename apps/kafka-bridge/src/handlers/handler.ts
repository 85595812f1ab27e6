import type { Api, Draft, Message, Of } from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import type { Exchange } from '../connection/exchange.ts';

/** What `run` answers when the client expects no answer (Produce with acks 0). */
export const NO_ANSWER: unique symbol = Symbol('no answer');

/** An answer that is encoded already, as the chunks of a whole frame. */
export class EncodedAnswer {
  readonly chunks: readonly Buffer[];

  constructor(chunks: readonly Buffer[]) {
    this.chunks = chunks;
  }
}

export type Answer<Response extends Message> = Draft<Response> | EncodedAnswer | typeof NO_ANSWER;

/** One operation of the protocol: what it is, and what it does. */
export interface Handler<Request extends Message = Message, Response extends Message = Message> {
  readonly api: Api<Request, Response>;
  /** First and last version that are named in ApiVersions. */
  readonly versions: readonly [first: number, last: number];
  /**
   * Answered by the one bridge that coordinates what it is about. A client that got no answer in time asks the next coordinator
   * the same, so what was sent to a bridge before it lost its lease is not answered by it later: it could be about what has long
   * gone on. (Its connection ends; a client that still waits asks again.)
   */
  readonly coordinated?: boolean;
  /** Runs up to its first wait at once, in the order of the requests. What it throws ends the connection. */
  run(request: Of<Request>, exchange: Exchange, bridge: Bridge): Answer<Response> | Promise<Answer<Response>>;
}

/** Declares an operation. The types of its message are checked here and forgotten behind it. */
export function handler<Request extends Message, Response extends Message>(
  definition: Handler<Request, Response>,
): Handler {
  return definition;
}
