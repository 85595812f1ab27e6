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
/** Lines that are under way at once: the next ones are read when these have been answered and the answer was taken. */
export const LINES_IN_FLIGHT_MAX = 500;
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
 * Writes the records of an NDJSON body and yields result lines, in the order of the lines. Memory is bounded by one
 * group of lines: the body is read on only when the caller asks for more, which it does when the client has taken what
 * it got, and the client's sending stops as long as nothing is read.
 *
 * A bad line gets an error and the rest goes on. A line beyond its shard's write limit waits, and with it the body,
 * for up to `THROTTLE_WAIT_MS_MAX`: slowing down is what a body without end can do and a batch cannot.
 */
export async function* appendLines(
  body: AsyncIterable<Buffer>,
  put: Put,
  options: AppendLinesOptions,
): AsyncGenerator<string> {
  const lines = new NdjsonLines(LINE_BYTES_MAX);
  const results = new LineResults(options.errorsOnly);
  let group: Read[] = [];
  try {
    for await (const chunk of body) {
      for (const line of lines.push(chunk)) {
        group.push(readLine(line));
        if (group.length < LINES_IN_FLIGHT_MAX) continue;
        yield* results.of(group, await putGroup(group, put, options.signal));
        group = [];
      }
      // What this chunk completed is not kept waiting for the next one, which may be long in coming.
      if (group.length > 0) yield* results.of(group, await putGroup(group, put, options.signal));
      group = [];
      if (options.signal.aborted) {
        yield results.brokenOff(serviceStopping());
        return;
      }
    }
    for (const line of lines.end()) group.push(readLine(line));
    if (group.length > 0) yield* results.of(group, await putGroup(group, put, options.signal));
  } catch (error) {
    // The status has been sent long ago: the last line says it.
    if (!(error instanceof Problem)) options.failed(error);
    yield results.brokenOff(problemOfError(error));
    return;
  }
  yield* results.end();
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

  *of(group: readonly Read[], outcomes: readonly PutOutcome[]): Generator<string> {
    let text = '';
    let next = 0;
    for (const read of group) {
      const outcome = 'record' in read ? (outcomes[next++] as PutOutcome) : undefined;
      if (outcome?.ok === true) {
        this.#written++;
        if (!this.#errorsOnly) text += jsonLine({ line: read.number, ...viewPlaced(outcome.value) });
      } else {
        this.#failed++;
        const problem =
          'problem' in read ? read.problem : problemOfRefusal((outcome as PutOutcome & { ok: false }).refusal);
        text += jsonLine({ line: read.number, error: viewFailed(problem) });
      }
    }
    if (text !== '') yield text;
  }

  brokenOff(problem: Problem): string {
    return jsonLine({ error: viewFailed(problem) });
  }

  *end(): Generator<string> {
    const [written, failed] = [this.#written, this.#failed];
    if (this.#errorsOnly) yield jsonLine({ summary: { lines: written + failed, written, failed } });
  }
}

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
