interface Command {
  readonly summary: string;
  readonly usage: string;
  /** Loaded when called, so that the service does not load the client's libraries nor the other way round. */
  readonly load: () => Promise<{ run(args: readonly string[]): Promise<number> }>;
}

const ADDRESSES = `  --http URL          the HTTP door (default: http://127.0.0.1:4567, or as TAILRACE_HOST and TAILRACE_HTTP_PORT say)
  --kafka HOST:PORT   the Kafka door (default: 127.0.0.1:9092, or as TAILRACE_HOST and TAILRACE_KAFKA_PORT say)`;

export const COMMANDS = {
  up: {
    summary: 'start the service: both doors in this process',
    usage: `Usage: tailrace up

Starts the HTTP door and the Kafka door. Everything is set by environment variables: \`tailrace --help\` lists them.`,
    load: () => import('./up.ts'),
  },
  streams: {
    summary: 'list, create, describe and delete streams',
    usage: `Usage: tailrace streams [list]
       tailrace streams create NAME [--shards N]
       tailrace streams describe NAME
       tailrace streams delete NAME

  --shards N   how many shards, which are Kafka partitions (default 1)
  --json       print JSON
${ADDRESSES}`,
    load: () => import('./streams.ts'),
  },
  produce: {
    summary: 'write lines from standard input as records',
    usage: `Usage: tailrace produce STREAM [OPTIONS] < lines

  --key KEY            the key of every record
  --key-separator S    each line is KEY, S, VALUE
  --header NAME=VALUE  a header of every record; may be repeated
  --json               each line is {"key", "value", "headers"}; value is text or any JSON
${ADDRESSES}`,
    load: () => import('./produce.ts'),
  },
  consume: {
    summary: 'print records as lines on standard output',
    usage: `Usage: tailrace consume STREAM [OPTIONS]

  --from beginning|latest   where to begin (default latest); with --group, only where the group has no position
  --group GROUP             read as a member of this group and commit positions
  --max N                   end after N records
  --key-separator S         print KEY, S, VALUE
  --json                    print {"partition", "offset", "timestamp", "key", "value", "headers"};
                            bytes that are not UTF-8 come as {"base64": …}
${ADDRESSES}`,
    load: () => import('./consume.ts'),
  },
} as const satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}
