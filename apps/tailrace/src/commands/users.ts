import { randomBytes } from 'node:crypto';
import {
  SCRAM_ITERATIONS_MAX,
  SCRAM_ITERATIONS_MIN,
  SCRAM_MECHANISMS,
  type ScramMechanism,
  type UserOutcome,
} from '@tailrace/identity';
import { ReadableFailure } from '@tailrace/service';
import { withKeys } from '../access-keys/with-keys.ts';
import { onePositional, parseArguments } from '../arguments.ts';
import { table } from '../table.ts';
import { UsageError } from '../usage-error.ts';
import type { UserSummary } from '../users/user-methods.ts';

const PASSWORD_BYTES = 24;
const PASSWORD_CHARACTERS_MAX = 1_024;

/** `tailrace users …`: in the store itself, or through the service that has it. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArguments(args, {
    'password-stdin': { type: 'boolean' },
    mechanism: { type: 'string' },
    iterations: { type: 'string' },
    json: { type: 'boolean' },
  });
  const [action = 'list', ...rest] = positionals;
  const print = (value: unknown, text: () => string): void => {
    process.stdout.write(values.json ? `${JSON.stringify(value)}\n` : text());
  };
  switch (action) {
    case 'list': {
      if (rest.length > 0) throw new UsageError('`tailrace users list` takes no name.');
      await withKeys(async (methods) => {
        const users = await methods.listUsers();
        print(users, () => (users.length === 0 ? 'No users yet. `tailrace users set NAME` makes one.\n' : list(users)));
      });
      return 0;
    }
    case 'set': {
      const name = onePositional(rest, 'user');
      const mechanisms = mechanismsOf(values.mechanism);
      const iterations = iterationsOf(values.iterations);
      const given = values['password-stdin'] ? await readPassword() : undefined;
      const password = given ?? randomBytes(PASSWORD_BYTES).toString('base64url');
      await withKeys(async (methods) => {
        done(await methods.setUser(name, password, mechanisms, iterations));
        const shown = given === undefined ? { password } : {};
        print({ name, mechanisms, ...shown }, () =>
          given === undefined
            ? `User      ${name}\nPassword  ${password}\nThe password is shown this once; what is kept of it does not tell it.\n`
            : `User ${name} has the password that was given.\n`,
        );
      });
      return 0;
    }
    case 'remove': {
      const name = onePositional(rest, 'user');
      await withKeys(async (methods) => {
        done(await methods.removeUser(name));
        print({ removed: name }, () => `Removed user ${name}.\n`);
      });
      return 0;
    }
    default:
      throw new UsageError(`\`tailrace users\` knows list, set and remove, not \`${action}\`.`);
  }
}

/** All of them without a word: PLAIN works with each. */
function mechanismsOf(text: string | undefined): readonly ScramMechanism[] {
  if (text === undefined) return SCRAM_MECHANISMS;
  const mechanism = SCRAM_MECHANISMS.find((one) => one === text.toUpperCase());
  if (mechanism === undefined) throw new UsageError(`--mechanism must be ${SCRAM_MECHANISMS.join(' or ')}.`);
  return [mechanism];
}

function iterationsOf(text: string | undefined): number {
  if (text === undefined) return SCRAM_ITERATIONS_MIN;
  const iterations = Number(text);
  if (!Number.isInteger(iterations) || iterations < SCRAM_ITERATIONS_MIN || iterations > SCRAM_ITERATIONS_MAX) {
    throw new UsageError(
      `--iterations must be a whole number from ${SCRAM_ITERATIONS_MIN} to ${SCRAM_ITERATIONS_MAX}.`,
    );
  }
  return iterations;
}

/** Not by an option: those stand in the list of processes. */
async function readPassword(): Promise<string> {
  let text = '';
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.length > PASSWORD_CHARACTERS_MAX) break;
  }
  const password = text.replace(/\r?\n$/, '');
  if (password === '' || password.length > PASSWORD_CHARACTERS_MAX) {
    throw new UsageError(`The password on standard input must have 1 to ${PASSWORD_CHARACTERS_MAX} characters.`);
  }
  return password;
}

function done(outcome: UserOutcome): void {
  if (outcome.ok) return;
  const { refusal } = outcome;
  switch (refusal.code) {
    case 'userNotFound':
    case 'credentialNotFound':
      throw new ReadableFailure(`There is no user ${refusal.name}.`);
    case 'invalidUserName':
      throw new ReadableFailure('A user name has 1 to 256 bytes.');
    case 'tooManyUsers':
      throw new ReadableFailure(`There are ${refusal.max} users, the most that are kept.`);
  }
}

function list(users: readonly UserSummary[]): string {
  return table(
    ['USER', 'MECHANISMS'],
    users.map(({ name, credentials }) => [
      name,
      credentials.map(({ mechanism, iterations }) => `${mechanism} (${iterations} iterations)`).join(', '),
    ]),
  );
}
