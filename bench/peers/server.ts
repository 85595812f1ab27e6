/** A server under test, started on its core. */
export interface Server {
  readonly name: string;
  readonly pid: number;
  /** Milliseconds from starting the process to its first right answer. */
  readonly startedInMs: number;
  readonly httpPort?: number;
  readonly kafkaPort?: number;
  stop(): Promise<void>;
}
