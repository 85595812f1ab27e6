interface Command {
  readonly summary: string;
  readonly usage: string;
  /** Loaded when called, so that the service does not load the client's libraries nor the other way round. */
  readonly load: () => Promise<{ run(args: readonly string[]): Promise<number> }>;
}

const ADDRESSES = `  --http URL          the HTTP door (default: http://127.0.0.1:4567, or as TAILRACE_HOST and TAILRACE_HTTP_PORT say)
  --kafka HOST:PORT   the Kafka door (default: 127.0.0.1:9092, or as TAILRACE_HOST and TAILRACE_KAFKA_PORT say)`;

const TLS = `  --tls                speak TLS, and trust the authorities that Node.js knows
  --tls-ca FILE        speak TLS, and trust this authority (PEM; or TAILRACE_TLS_CA)
  --tls-cert FILE      the certificate to show, with --tls-key FILE`;

const AWS = `  --profile NAME       sign with this profile of ~/.aws/credentials; without it, where the HTTP door asks for signatures,
                       with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile of AWS_PROFILE, or \`default\`
  --region NAME        sign for this region (or AWS_REGION, or the profile's; default: us-east-1)`;

const USER = `  --user NAME          who this is, where the Kafka door asks (or TAILRACE_USER)
  --password-file FILE the user's password, in a line (or TAILRACE_PASSWORD)
  --mechanism M        plain, scram-sha-256 or scram-sha-512 (default; or TAILRACE_MECHANISM)`;

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
${ADDRESSES}
${TLS}
${AWS}`,
    load: () => import('./streams.ts'),
  },
  keys: {
    summary: 'create, list and revoke access keys',
    usage: `Usage: tailrace keys [list]
       tailrace keys create --user NAME [--account N] [--policy FILE] [--description TEXT]
       tailrace keys policy ID --policy FILE
       tailrace keys revoke ID
       tailrace keys remove ID

Access keys for TAILRACE_AUTH=sigv4. With the same settings as the service; on its machine and as its user where the
store is embedded. A secret is shown once, when its key is made.

  --user NAME          whose key it is
  --account N          the user's account, twelve digits (default: TAILRACE_ACCOUNT)
  --policy FILE        what its bearer may do, in AWS's policy language (default: everything)
  --description TEXT   a note
  --json               print JSON`,
    load: () => import('./keys.ts'),
  },
  users: {
    summary: 'create, list and remove users of the Kafka door',
    usage: `Usage: tailrace users [list]
       tailrace users set NAME [--password-stdin] [--mechanism M] [--iterations N]
       tailrace users remove NAME

Users for TAILRACE_KAFKA_AUTH=plain, scram-sha-256 and scram-sha-512; Kafka's own admin tools change them too. With the same
settings as the service; on its machine and as its user where the store is embedded.

  --password-stdin     read the password from standard input; without it one is made, and shown once
  --mechanism M        SCRAM-SHA-256 or SCRAM-SHA-512 (default: both; PLAIN works with each)
  --iterations N       how hard it is to guess what is kept, 4096 to 16384 (default 4096)
  --json               print JSON`,
    load: () => import('./users.ts'),
  },
  produce: {
    summary: 'write lines from standard input as records',
    usage: `Usage: tailrace produce STREAM [OPTIONS] < lines

  --key KEY            the key of every record
  --key-separator S    each line is KEY, S, VALUE
  --header NAME=VALUE  a header of every record; may be repeated
  --json               each line is {"key", "value", "headers"}; value is text or any JSON
${ADDRESSES}
${TLS}
${USER}`,
    load: () => import('./produce.ts'),
  },
  consume: {
    summary: 'print records as lines on standard output',
    usage: `Usage: tailrace consume STREAM [OPTIONS]

  --from beginning|latest   where to begin (default latest); with --group, only where the group has no position
  --from-group GROUP        begin behind what this group has committed, without joining it; where it has
                            committed nothing for a partition, at its beginning
  --group GROUP             read as a member of this group and commit positions
  --max N                   end after N records
  --key-separator S         print KEY, S, VALUE
  --json                    print {"partition", "offset", "timestamp", "key", "value", "headers"};
                            bytes that are not UTF-8 come as {"base64": …}
${ADDRESSES}
${TLS}
${USER}`,
    load: () => import('./consume.ts'),
  },
} as const satisfies Record<string, Command>;

export type CommandName = keyof typeof COMMANDS;

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}
