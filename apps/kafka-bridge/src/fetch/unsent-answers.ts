/** Records on their way to clients, over all connections, above which an answer holds one batch and no more. */
export const UNSENT_ANSWER_BYTES_MAX = 512 * 1024 * 1024;

/** What has been read for Fetch and not yet been taken by the sockets: thousands of slow readers cost no more than this. */
export class UnsentAnswers {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax: number = UNSENT_ANSWER_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How much of what a client wants may be read for it now; at least 1, which is one whole batch. */
  room(wantedBytes: number): number {
    return Math.max(1, Math.min(wantedBytes, this.#bytesMax - this.#bytes));
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  sent(bytes: number): void {
    this.#bytes -= bytes;
  }
}
