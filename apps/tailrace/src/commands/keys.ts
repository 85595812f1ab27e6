import { readFile } from 'node:fs/promises';
import { type AccessKeyDescription, type AccessKeyOutcome, FULL_ACCESS } from '@tailrace/identity';
import { ReadableFailure } from '@tailrace/service';
import { withKeys } from '../access-keys/with-keys.ts';
import { onePositional, parseArguments } from '../arguments.ts';
import { table } from '../table.ts';
import { UsageError } from '../usage-error.ts';

/** `tailrace keys …`: in the store itself, or through the service that has it. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    user: { type: 'string' },
    account: { type: 'string' },
    policy: { type: 'string' },
    description: { type: 'string' },
    json: { type: 'boolean' },
  });
  const [action = 'list', ...rest] = positionals;
  const print = (value: unknown, text: () => string): void => {
    process.stdout.write(values.json ? `${JSON.stringify(value)}\n` : text());
  };
  switch (action) {
    case 'list': {
      if (rest.length > 0) throw new UsageError('`tailrace keys list` takes no name.');
      await withKeys(async (keys) => {
        const all: AccessKeyDescription[] = [];
        for (let after: string | undefined; ;) {
          const page = await keys.list(after === undefined ? {} : { after });
          all.push(...page.accessKeys);
          for (const { id, problem } of page.unreadable) {
            process.stderr.write(`${id} cannot be read, and lets nobody in: ${problem}\n`);
          }
          if (page.nextAfter === undefined) break;
          after = page.nextAfter;
        }
        print(all, () =>
          all.length === 0 ? 'No access keys yet. `tailrace keys create --user NAME` makes one.\n' : list(all),
        );
      });
      return 0;
    }
    case 'create': {
      if (rest.length > 0) throw new UsageError('`tailrace keys create` takes options only: --user NAME.');
      const { user, description } = values;
      if (user === undefined) throw new UsageError('Whose key? Give --user NAME.');
      const policy = values.policy === undefined ? FULL_ACCESS : await readPolicyFile(values.policy);
      await withKeys(async (keys, { account }) => {
        const { accessKey, secret } = done(
          await keys.create({
            account: values.account ?? account,
            userName: user,
            policy,
            ...(description !== undefined && { description }),
          }),
        );
        print(
          { ...accessKey, secret },
          () =>
            `Access key id      ${accessKey.id}\nSecret access key  ${secret}\n` +
            'The secret is shown this once. Give both to the client as its credentials.\n',
        );
      });
      return 0;
    }
    case 'revoke':
    case 'remove': {
      const id = onePositional(rest, 'access key');
      await withKeys(async (keys) => {
        done(await keys[action](id));
        const did = action === 'revoke' ? 'Revoked' : 'Removed';
        print({ [action === 'revoke' ? 'revoked' : 'removed']: id }, () => `${did} access key ${id}.\n`);
      });
      return 0;
    }
    case 'policy': {
      const id = onePositional(rest, 'access key');
      if (values.policy === undefined) throw new UsageError('Which policy? Give --policy FILE.');
      const policy = await readPolicyFile(values.policy);
      await withKeys(async (keys) => {
        const accessKey = done(await keys.setPolicy(id, policy));
        print(accessKey, () => `Access key ${id} has the policy of ${values.policy}.\n`);
      });
      return 0;
    }
    default:
      throw new UsageError(`\`tailrace keys\` knows list, create, policy, revoke and remove, not \`${action}\`.`);
  }
}

async function readPolicyFile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new ReadableFailure(`The policy ${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ReadableFailure(`The policy ${path} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

function done<T>(outcome: AccessKeyOutcome<T>): T {
  if (outcome.ok) return outcome.value;
  const { refusal } = outcome;
  switch (refusal.code) {
    case 'accessKeyNotFound':
      throw new ReadableFailure(`There is no access key ${refusal.id}.`);
    case 'accessKeyExists':
      throw new ReadableFailure(`There is an access key ${refusal.id} already.`);
    case 'accessKeyRevoked':
      throw new ReadableFailure(`The access key ${refusal.id} is revoked.`);
    case 'accessKeyInUse':
      throw new ReadableFailure(`The access key ${refusal.id} is in use: revoke it first.`);
    case 'tooManyAccessKeys':
      throw new ReadableFailure(`There are ${refusal.max} access keys, the most that are kept. Remove revoked ones.`);
    case 'invalidAccessKey':
    case 'invalidPolicy':
      throw new ReadableFailure(refusal.problem);
  }
}

function list(keys: readonly AccessKeyDescription[]): string {
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  return table(
    ['ID', 'ACCOUNT', 'USER', 'CREATED', 'STATE', 'DESCRIPTION'],
    keys.map(({ id, account, userName, createdAtMs, revokedAtMs, description }) => [
      id,
      account,
      userName,
      day(createdAtMs),
      revokedAtMs === undefined ? 'active' : `revoked ${day(revokedAtMs)}`,
      description,
    ]),
  );
}
