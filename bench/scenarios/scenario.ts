import type { Server } from '../peers/server.ts';

export interface Measured {
  /** In the scenario's unit; larger is better unless `smallerIsBetter`. */
  readonly value: number;
  readonly clientCpuSeconds: number;
  readonly seconds: number;
  /** What else is worth a word: latencies. */
  readonly note?: string;
}

export interface Scenario {
  readonly name: string;
  readonly unit: string;
  readonly peer: 'kinesalite' | 'apache-kafka';
  /** How many times the peer's figure this must reach. */
  readonly floor: number;
  /** What a reader types or reads to know what was measured. */
  readonly command: string;
  measure(server: Server, scale: number): Promise<Measured>;
}
