import { ReadableFailure } from '@tailrace/service';
import { ADDRESS_OPTIONS, addresses, onePositional, parseArguments, wholeNumber } from '../arguments.ts';
import { type ClientTls, TLS_OPTIONS, tlsOf } from '../client-access.ts';
import { exchange } from '../http-exchange.ts';
import { table } from '../table.ts';
import { UsageError } from '../usage-error.ts';

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

/** `tailrace streams …`: over the REST API. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    ...ADDRESS_OPTIONS,
    ...TLS_OPTIONS,
    shards: { type: 'string' },
    json: { type: 'boolean' },
  });
  const http = httpDoor(values);
  const [action = 'list', ...names] = positionals;
  const print = (value: unknown, text: () => string) =>
    process.stdout.write(values.json ? `${JSON.stringify(value)}\n` : text());
  switch (action) {
    case 'list': {
      if (names.length > 0)
        throw new UsageError('`tailrace streams list` takes no name; `describe NAME` shows one stream.');
      const all = await listAll(http);
      print(all, () =>
        all.length === 0
          ? 'No streams yet. `tailrace streams create NAME` makes one.\n'
          : table(
              ['NAME', 'SHARDS', 'STATUS'],
              all.map(({ name, openShardCount, status }) => [name, String(openShardCount), status]),
            ),
      );
      return 0;
    }
    case 'create': {
      const name = onePositional(names, 'stream');
      const shards = wholeNumber('shards', values.shards) ?? 1;
      const made = await request(http, 'POST', '/v1/streams', { name, shards });
      print(made, () => `Made stream ${name} with ${shards} ${shards === 1 ? 'shard' : 'shards'}.\n`);
      return 0;
    }
    case 'describe': {
      const name = onePositional(names, 'stream');
      const stream = (await request(http, 'GET', `/v1/streams/${encodeURIComponent(name)}`)) as {
        readonly shards: readonly ShardDescription[];
      };
      print(stream, () =>
        table(
          ['SHARD', 'PARTITION', 'START', 'END'],
          stream.shards.map((shard) => [
            shard.shardId,
            String(shard.partition),
            shard.logStartOffset,
            shard.highWatermark,
          ]),
        ),
      );
      return 0;
    }
    case 'delete': {
      const name = onePositional(names, 'stream');
      await request(http, 'DELETE', `/v1/streams/${encodeURIComponent(name)}`);
      print({ deleted: name }, () => `Deleted stream ${name}.\n`);
      return 0;
    }
    default:
      throw new UsageError(`\`tailrace streams\` knows list, create, describe and delete, not \`${action}\`.`);
  }
}

async function listAll(http: HttpDoor): Promise<StreamSummary[]> {
  const all: StreamSummary[] = [];
  for (let after: string | undefined; ;) {
    const query: string = after === undefined ? '' : `?after=${encodeURIComponent(after)}`;
    const page = (await request(http, 'GET', `/v1/streams${query}`)) as {
      readonly streams: readonly StreamSummary[];
      readonly nextAfter?: string;
    };
    all.push(...page.streams);
    if (page.nextAfter === undefined) return all;
    after = page.nextAfter;
  }
}

interface HttpDoor {
  readonly url: string;
  readonly tls: ClientTls | undefined;
}

/** With TLS asked for, an address that says nothing else is one of https. */
function httpDoor(values: Parameters<typeof addresses>[0] & Parameters<typeof tlsOf>[0]): HttpDoor {
  const tls = tlsOf(values);
  const { http } = addresses(values);
  return { url: tls === undefined || values.http !== undefined ? http : http.replace(/^http:/, 'https:'), tls };
}

async function request({ url, tls }: HttpDoor, method: string, path: string, body?: unknown): Promise<unknown> {
  let response: Awaited<ReturnType<typeof exchange>>;
  try {
    response = await exchange(url + path, { method, tls, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME|EPROTO|SSL/.test(code)) {
      throw new ReadableFailure(
        `${url}: ${(error as Error).message}. \`--tls-ca FILE\` names the authority to trust.`,
        {
          cause: error,
        },
      );
    }
    throw new ReadableFailure(`No HTTP door answers at ${url}. Is the service running (\`tailrace up\`)?`, {
      cause: error,
    });
  }
  const answer: unknown = response.text === '' ? undefined : JSON.parse(response.text);
  if (response.status >= 200 && response.status < 300) return answer;
  const { detail, title } = (answer ?? {}) as { detail?: string; title?: string };
  throw new ReadableFailure(detail ?? title ?? `${method} ${path} was answered with status ${response.status}.`);
}
