import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { IngestRecord, PutOutcome } from '../ingest/index.ts';
import { parseJson } from './json-text.ts';
import { type NdjsonLine, NdjsonLines } from './ndjson-lines.ts';
import { invalidJson, invalidRequest, Problem, problemOfError, problemOfRefusal } from './problem.ts';
import { type FailedView, failedView, placedView, viewFailed, viewPlaced } from './put-result.ts';
import { recordBody } from './record-schema.ts';
import { validate } from './validation.ts';

/** A value of 1 MiB in base64, or as text with every character escaped once, with its headers. */
export const LINE_BYTES_MAX = 3 * 1024 * 1024;
/** Lines that are written together: those that one chunk of the body completes, and no more than PutRecords has. */
const GROUP_LINES_MAX = 500;
/**
 * Groups that are under way at once: while the store syncs one, the next are read and queued behind it. One at a time
 * left the disk idle half of the time.
 */
export const GROUPS_IN_FLIGHT_MAX = 8;
/** What a body costs at most: the next line is read when these have been answered and the answer was taken. */
export const LINES_IN_FLIGHT_MAX = GROUP_LINES_MAX * GROUPS_IN_FLIGHT_MAX;
/** How long a line waits for the quota of its shard before it is refused. */
export const THROTTLE_WAIT_MS_MAX = 30_000;
/** Tokens come one by one: waiting for a single one would send the lines of a group one by one too. */
const RETRY_WAIT_MS_MIN = 25;
/** How long a line waits when the shard's queue is full. */
const OVERLOAD_WAIT_MS = 100;

export const NDJSON_ERRORS_ONLY = 'only for those that failed and a summary at the end';

export const lineResultView = z
  .union([
    placedView.extend({ line: z.int() }),
    z.strictObject({
      line: z
        .int()
        .optional()
        .meta({ description: 'Left out when the body broke off: the lines behind are not written.' }),
      error: failedView,
    }),
    z.strictObject({ summary: z.strictObject({ lines: z.int(), written: z.int(), failed: z.int() }) }),
  ])
  .meta({ id: 'LineResult', description: 'Lines are numbered from 1; empty ones are counted and get no result.' });

export interface AppendLinesOptions {
  /** 1 to `GROUPS_IN_FLIGHT_MAX`. Lines that have to wait for a quota keep their order the better the fewer it is. */
  readonly groupsInFlight: number;
  /** Tell failed lines only, and a summary at the end. */
  readonly errorsOnly: boolean;
  /** Fires when the client has gone or the door closes: nothing more is read. */
  readonly signal: AbortSignal;
  /** Hears of what was not expected, after which the results end. */
  readonly failed: (error: unknown) => void;
}

type Put = (records: readonly IngestRecord[]) => Promise<PutOutcome[]>;

/** A line, read: the record, or why it is none. */
type Read =
  { readonly number: number; readonly record: IngestRecord } | { readonly number: number; readonly problem: Problem };

/**
 * Writes the records of an NDJSON body and yields result lines, in the order of the lines. Memory is bounded by the groups
 * in flight: the body is read on only when the oldest one has been answered and the answer asked for, which is when the
 * client has taken the one before, and the client's sending stops as long as nothing is read.
 *
 * A bad line gets an error and the rest goes on. A line beyond its shard's write limit waits, and with it the body,
 * for up to `THROTTLE_WAIT_MS_MAX`: slowing down is what a body without end can do and a batch cannot.
 */
export async function* appendLines(
  body: AsyncIterable<Buffer>,
  put: Put,
  options: AppendLinesOptions,
): AsyncGenerator<string> {
  const { signal } = options;
  const results = new LineResults(options.errorsOnly);
  const groups = new GroupQueue(options.groupsInFlight);
  const stop = (): void => groups.close(serviceStopping());
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  // Ends by itself, with the body or when the queue is closed; what goes wrong in it is the end of the queue.
  void fill(groups, body, put, options);
  try {
    for (;;) {
      const group = await groups.next();
      if (group === undefined) break;
      const text = results.of(group.lines, await group.outcomes);
      groups.answered();
      if (text !== '') yield text;
    }
    // The status has been sent long ago: the last line says how it ended.
    yield groups.problem === undefined ? results.end() : results.brokenOff(groups.problem);
  } finally {
    signal.removeEventListener('abort', stop);
    groups.close(undefined);
  }
}

/** Reads the body, and starts to write each group as soon as there is room for it. */
async function fill(
  groups: GroupQueue,
  body: AsyncIterable<Buffer>,
  put: Put,
  { signal, failed }: AppendLinesOptions,
): Promise<void> {
  const lines = new NdjsonLines(LINE_BYTES_MAX);
  let group: Read[] = [];
  const start = async (): Promise<void> => {
    if (group.length === 0) return;
    const ready = group;
    group = [];
    await groups.room();
    if (!groups.closed) groups.push({ lines: ready, outcomes: putGroup(ready, put, signal) });
  };
  try {
    for await (const chunk of body) {
      for (const line of lines.push(chunk)) {
        group.push(readLine(line));
        if (group.length >= GROUP_LINES_MAX) await start();
      }
      // What this chunk completed is not kept waiting for the next one, which may be long in coming.
      await start();
      if (groups.closed) return;
    }
    for (const line of lines.end()) group.push(readLine(line));
    await start();
    groups.close(undefined);
  } catch (error) {
    if (!(error instanceof Problem)) failed(error);
    groups.close(problemOfError(error));
  }
}

/** Lines that are being written. */
interface Group {
  readonly lines: readonly Read[];
  readonly outcomes: Promise<PutOutcome[]>;
}

/** The groups under way, in the order of their lines; one side puts them in, the other takes them out. */
class GroupQueue {
  readonly #groupsMax: number;
  readonly #groups: Group[] = [];
  #closed = false;
  #problem: Problem | undefined;
  /** At most one side waits: the one for room, or the other for a group. */
  #wake: (() => void) | undefined;

  constructor(groupsMax: number) {
    this.#groupsMax = groupsMax;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Why the lines behind the last group are not written. */
  get problem(): Problem | undefined {
    return this.#problem;
  }

  /** Waits until another group may be put in, or the queue is closed. */
  async room(): Promise<void> {
    while (this.#groups.length >= this.#groupsMax && !this.#closed) await this.#woken();
  }

  push(group: Group): void {
    this.#groups.push(group);
    this.#stir();
  }

  /** The oldest group, which stays until it is `answered`; `undefined` when there is none and no more will come. */
  async next(): Promise<Group | undefined> {
    while (this.#groups.length === 0 && !this.#closed) await this.#woken();
    return this.#groups[0];
  }

  answered(): void {
    this.#groups.shift();
    this.#stir();
  }

  /** No more groups; those that are in the queue are still answered. The first reason counts. */
  close(problem: Problem | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#problem = problem;
    this.#stir();
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #stir(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

function readLine(line: NdjsonLine): Read {
  const { number } = line;
  if ('tooLong' in line) {
    return { number, problem: lineTooLong(number) };
  }
  const parsed = parseJson(line.bytes);
  if (!parsed.ok) return { number, problem: invalidJson(parsed.error) };
  const checked = validate(recordBody, parsed.value);
  return checked.ok ? { number, record: checked.value } : { number, problem: invalidRequest(checked.errors) };
}

/** Outcomes of the records of the group, in its order; lines that are no record have none. */
async function putGroup(group: readonly Read[], put: Put, signal: AbortSignal): Promise<PutOutcome[]> {
  const records: IngestRecord[] = [];
  for (const read of group) if ('record' in read) records.push(read.record);
  const outcomes = await put(records);
  const deadlineMs = Date.now() + THROTTLE_WAIT_MS_MAX;
  for (;;) {
    const again: number[] = [];
    let waitMs = 0;
    for (let i = 0; i < outcomes.length; i++) {
      const wait = waitOf(outcomes[i] as PutOutcome);
      if (wait === undefined) continue;
      again.push(i);
      waitMs = Math.max(waitMs, wait);
    }
    if (again.length === 0 || Date.now() + waitMs > deadlineMs) return outcomes;
    try {
      await delay(waitMs, undefined, { signal });
    } catch {
      return outcomes; // The client has gone or the door closes: the lines stay refused.
    }
    const later = await put(again.map((index) => records[index] as IngestRecord));
    for (let i = 0; i < again.length; i++) outcomes[again[i] as number] = later[i] as PutOutcome;
  }
}

/** After how long a refused record, of which nothing was written, is worth another try; `undefined` if it is not. */
function waitOf(outcome: PutOutcome): number | undefined {
  if (outcome.ok) return undefined;
  if (outcome.refusal.code === 'throttled') return Math.max(RETRY_WAIT_MS_MIN, outcome.refusal.retryAfterMs);
  return outcome.refusal.code === 'overloaded' ? OVERLOAD_WAIT_MS : undefined;
}

/** Turns outcomes into lines of text, one text for a group. */
class LineResults {
  readonly #errorsOnly: boolean;
  #written = 0;
  #failed = 0;

  constructor(errorsOnly: boolean) {
    this.#errorsOnly = errorsOnly;
  }

  of(group: readonly Read[], outcomes: readonly PutOutcome[]): string {
    let text = '';
    let next = 0;
    for (const read of group) {
      const outcome = 'record' in read ? (outcomes[next++] as PutOutcome) : undefined;
      if (outcome?.ok === true) {
        this.#written++;
        if (!this.#errorsOnly) text += jsonLine({ line: read.number, ...viewPlaced(outcome.value) });
      } else {
        this.#failed++;
        const problem = 'problem' in read ? read.problem : problemOfRefusal((outcome as Refused).refusal);
        text += jsonLine({ line: read.number, error: viewFailed(problem) });
      }
    }
    return text;
  }

  brokenOff(problem: Problem): string {
    return jsonLine({ error: viewFailed(problem) });
  }

  end(): string {
    const [written, failed] = [this.#written, this.#failed];
    return this.#errorsOnly ? jsonLine({ summary: { lines: written + failed, written, failed } }) : '';
  }
}

type Refused = PutOutcome & { readonly ok: false };
type LineResult = { line: number } | { line?: number; error: FailedView } | { summary: object };

function jsonLine(result: LineResult): string {
  return `${JSON.stringify(result)}\n`;
}

function lineTooLong(number: number): Problem {
  return new Problem({
    status: 413,
    code: 'lineTooLong',
    title: 'Line too long',
    detail: `Line ${number} is longer than ${LINE_BYTES_MAX} bytes.`,
  });
}

function serviceStopping(): Problem {
  return new Problem({
    status: 503,
    code: 'serviceStopping',
    title: 'Service is stopping',
    detail: 'The service is being stopped; lines without a result were not written. Send them again.',
    retryable: true,
  });
}
