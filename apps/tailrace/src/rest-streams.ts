import { ReadableFailure } from '@tailrace/service';
import { ask, type HttpDoor, jsonOf } from './http-door.ts';
import { deleted, madeText, NO_STREAMS, type Shown, type StreamService } from './stream-service.ts';
import { table } from './table.ts';

interface StreamSummary {
  readonly name: string;
  readonly status: string;
  /** Open ones. */
  readonly openShardCount: number;
}

interface ShardDescription {
  readonly shardId: string;
  readonly partition: number;
  readonly logStartOffset: string;
  readonly highWatermark: string;
}

interface ProblemBody {
  readonly code?: string;
  readonly title?: string;
  readonly detail?: string;
}

/** The door asks for signatures, and so has no REST. */
export class RestClosed extends ReadableFailure {}

/** Streams over plain REST. Where that is closed, everything throws RestClosed. */
export class RestStreams implements StreamService {
  readonly #door: HttpDoor;

  constructor(door: HttpDoor) {
    this.#door = door;
  }

  async list(): Promise<Shown> {
    const all: StreamSummary[] = [];
    for (let after: string | undefined; ;) {
      const query: string = after === undefined ? '' : `?after=${encodeURIComponent(after)}`;
      const page = (await this.#request('GET', `/v1/streams${query}`)) as {
        readonly streams: readonly StreamSummary[];
        readonly nextAfter?: string;
      };
      all.push(...page.streams);
      if (page.nextAfter === undefined) break;
      after = page.nextAfter;
    }
    const rows = () => all.map(({ name, openShardCount, status }) => [name, String(openShardCount), status]);
    return { json: all, text: () => (all.length === 0 ? NO_STREAMS : table(['NAME', 'SHARDS', 'STATUS'], rows())) };
  }

  async create(name: string, shards: number): Promise<Shown> {
    return { json: await this.#request('POST', '/v1/streams', { name, shards }), text: () => madeText(name, shards) };
  }

  async describe(name: string): Promise<Shown> {
    const stream = (await this.#request('GET', `/v1/streams/${encodeURIComponent(name)}`)) as {
      readonly shards: readonly ShardDescription[];
    };
    const rows = () =>
      stream.shards.map((shard) => [shard.shardId, String(shard.partition), shard.logStartOffset, shard.highWatermark]);
    return { json: stream, text: () => table(['SHARD', 'PARTITION', 'START', 'END'], rows()) };
  }

  async delete(name: string): Promise<Shown> {
    await this.#request('DELETE', `/v1/streams/${encodeURIComponent(name)}`);
    return deleted(name);
  }

  async #request(method: string, path: string, input?: unknown): Promise<unknown> {
    const body = input === undefined ? undefined : JSON.stringify(input);
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await ask(this.#door, { method, path, headers, body });
    const json = jsonOf(this.#door, answer);
    if (answer.status >= 200 && answer.status < 300) return json;
    const { code, detail, title } = (json ?? {}) as ProblemBody;
    const text = detail ?? title ?? `${method} ${path} was answered with status ${answer.status}.`;
    throw code === 'restClosed' ? new RestClosed(text) : new ReadableFailure(text);
  }
}
