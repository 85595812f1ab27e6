import { countExternalMemory } from './external-memory.ts';
import { describeFailure } from './readable-failure.ts';

export interface RunningService {
  /** Stops taking requests, finishes those under way, lets go of everything. */
  close(): Promise<void>;
}

/** Above the grace that requests get: what else closing may take before the process leaves all the same. */
const CLOSE_SLACK_MS = 5_000;

/**
 * Runs a service as a process: start, wait for SIGTERM or SIGINT, drain, exit with 0; a start that fails is told in a
 * sentence on stderr and exits with 1. A second signal ends it at once.
 */
export async function runService(
  start: () => Promise<RunningService>,
  { graceMs, log }: { graceMs: () => number; log: (message: string) => void },
): Promise<void> {
  countExternalMemory();
  let service: RunningService;
  try {
    service = await start();
  } catch (error) {
    process.stderr.write(`${describeFailure(error)}\n`);
    process.exit(1);
  }
  let closing = false;
  const stop = (signal: NodeJS.Signals) => {
    if (closing) {
      log(`${signal} again: leaving at once`);
      process.exit(130);
    }
    closing = true;
    log(`${signal}: finishing what is under way`);
    const overdue = setTimeout(() => {
      log('closing took too long: leaving');
      process.exit(1);
    }, graceMs() + CLOSE_SLACK_MS);
    service.close().then(
      () => {
        clearTimeout(overdue);
        process.exit(0);
      },
      (error: unknown) => {
        process.stderr.write(`${describeFailure(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
