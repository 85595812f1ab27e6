import { ADDRESS_OPTIONS, onePositional, parseArguments, wholeNumber } from '../arguments.ts';
import { AWS_OPTIONS, awsAccessOf } from '../aws-access.ts';
import { TLS_OPTIONS } from '../client-access.ts';
import { httpDoor } from '../http-door.ts';
import { KinesisStreams } from '../kinesis-streams.ts';
import { RestClosed, RestStreams } from '../rest-streams.ts';
import type { Shown, StreamService } from '../stream-service.ts';
import { UsageError } from '../usage-error.ts';

type Action = (streams: StreamService) => Promise<Shown>;

/** `tailrace streams …`: over plain REST, and signed over the Kinesis protocol where the door asks for signatures. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    ...ADDRESS_OPTIONS,
    ...TLS_OPTIONS,
    ...AWS_OPTIONS,
    shards: { type: 'string' },
    json: { type: 'boolean' },
  });
  const door = httpDoor(values);
  const action = actionOf(positionals, values.shards);
  const signed = () => action(new KinesisStreams(door, awsAccessOf(values)));
  const { json, text } =
    values.profile !== undefined || values.region !== undefined
      ? await signed()
      : await action(new RestStreams(door)).catch((error: unknown) => {
          if (error instanceof RestClosed) return signed();
          throw error;
        });
  process.stdout.write(values.json ? `${JSON.stringify(json)}\n` : text());
  return 0;
}

function actionOf([action = 'list', ...names]: readonly string[], shardsOption: string | undefined): Action {
  if (shardsOption !== undefined && action !== 'create')
    throw new UsageError('--shards belongs to `tailrace streams create`.');
  switch (action) {
    case 'list':
      if (names.length > 0)
        throw new UsageError('`tailrace streams list` takes no name; `describe NAME` shows one stream.');
      return (streams) => streams.list();
    case 'create': {
      const name = onePositional(names, 'stream');
      const shards = wholeNumber('shards', shardsOption) ?? 1;
      return (streams) => streams.create(name, shards);
    }
    case 'describe': {
      const name = onePositional(names, 'stream');
      return (streams) => streams.describe(name);
    }
    case 'delete': {
      const name = onePositional(names, 'stream');
      return (streams) => streams.delete(name);
    }
    default:
      throw new UsageError(`\`tailrace streams\` knows list, create, describe and delete, not \`${action}\`.`);
  }
}
