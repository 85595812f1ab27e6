import type { Server } from '../peers/server.ts';
import { residentMiB } from '../processes.ts';
import { produceGigabytes } from './kafka.ts';

const SAMPLE_MS = 250;

export interface MemoryCurve {
  readonly gigabytes: number;
  /** Largest resident memory, in MiB, in each fifth of the run. */
  readonly peakMiBByFifth: readonly number[];
}

/** Writes `gigabytes` by Kafka produce and watches the server's resident memory. */
export async function memoryWhileWriting(server: Server, gigabytes: number): Promise<MemoryCurve> {
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(residentMiB(server.pid)), SAMPLE_MS);
  try {
    await produceGigabytes(server, gigabytes);
  } finally {
    clearInterval(timer);
  }
  const fifth = Math.max(1, Math.ceil(samples.length / 5));
  const peakMiBByFifth = Array.from({ length: 5 }, (_, i) => Math.max(0, ...samples.slice(i * fifth, (i + 1) * fifth)));
  return { gigabytes, peakMiBByFifth };
}
