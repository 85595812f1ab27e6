import {
  alterUserScramCredentialsApi,
  type AlterUserScramCredentialsRequest,
  errorCodes,
} from '@tailrace/kafka-protocol';
import {
  type CredentialChange,
  credentialOfSaltedPassword,
  SCRAM_HASHES,
  SCRAM_ITERATIONS_MAX,
  SCRAM_ITERATIONS_MIN,
  SCRAM_SALT_BYTES_MAX,
  type UserRefusal,
} from '@tailrace/identity';
import type { Bridge } from '../bridge.ts';
import { unlessUnavailable } from '../errors/refusal-errors.ts';
import { scramMechanismOf } from '../security/scram-codes.ts';
import { handler } from './handler.ts';

type Deletion = AlterUserScramCredentialsRequest['deletions'][number];
type Upsertion = AlterUserScramCredentialsRequest['upsertions'][number];

class Refused extends Error {
  readonly errorCode: number;

  constructor(errorCode: number, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}

/**
 * AlterUserScramCredentials: set and remove credentials; each user by itself, in one step. They count at this bridge with the
 * answer, at others within a second. What is kept is derived once more, so that nobody who reads it can log in with it.
 * Per user: UNACCEPTABLE_CREDENTIAL (no name; too few or too many iterations; salt or password of a wrong length),
 * UNSUPPORTED_SASL_MECHANISM, DUPLICATE_RESOURCE (a mechanism named twice), RESOURCE_NOT_FOUND (nothing to remove),
 * POLICY_VIOLATION (there are too many users); REQUEST_TIMED_OUT, retryable, when the store is away.
 */
export const alterUserScramCredentials = handler({
  api: alterUserScramCredentialsApi,
  versions: alterUserScramCredentialsApi.advertised,
  async run({ deletions, upsertions }, exchange, bridge) {
    const names = [...new Set([...deletions, ...upsertions].map(({ name }) => name))];
    const results = await Promise.all(
      names.map(async (user) => {
        const ofUser = ({ name }: { name: string }) => name === user;
        try {
          await alter(user, deletions.filter(ofUser), upsertions.filter(ofUser), bridge);
          return { user, errorCode: errorCodes.NONE, errorMessage: null };
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          exchange.noteError(error.errorCode);
          return { user, errorCode: error.errorCode, errorMessage: error.message };
        }
      }),
    );
    return { throttleTimeMs: 0, results };
  },
});

async function alter(
  user: string,
  deletions: readonly Deletion[],
  upsertions: readonly Upsertion[],
  { security }: Bridge,
): Promise<void> {
  if (user === '') throw new Refused(errorCodes.UNACCEPTABLE_CREDENTIAL, 'Username must not be empty');
  const codes = [...deletions, ...upsertions].map(({ mechanism }) => mechanism);
  if (codes.some((code) => scramMechanismOf(code) === undefined)) {
    throw new Refused(errorCodes.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism');
  }
  if (new Set(codes).size < codes.length) {
    const message = 'A user credential cannot be altered twice in the same request';
    throw new Refused(errorCodes.DUPLICATE_RESOURCE, message);
  }
  const changes = [...deletions.map(deletionOf), ...upsertions.map(upsertionOf)];
  const away = () => {
    throw new Refused(errorCodes.REQUEST_TIMED_OUT, 'The store is not available.');
  };
  const outcome = await unlessUnavailable(security.users.change(user, changes), away);
  if (!outcome.ok) throw refusalOf(outcome.refusal);
}

function deletionOf({ mechanism }: Deletion): CredentialChange {
  return { mechanism: scramMechanismOf(mechanism) ?? 'SCRAM-SHA-256', credential: undefined };
}

function upsertionOf({ mechanism: code, iterations, salt, saltedPassword }: Upsertion): CredentialChange {
  const mechanism = scramMechanismOf(code) ?? 'SCRAM-SHA-256';
  const unacceptable = (message: string) => new Refused(errorCodes.UNACCEPTABLE_CREDENTIAL, message);
  if (iterations < SCRAM_ITERATIONS_MIN) throw unacceptable('Too few iterations');
  if (iterations > SCRAM_ITERATIONS_MAX) throw unacceptable('Too many iterations');
  if (salt.length === 0 || salt.length > SCRAM_SALT_BYTES_MAX) throw unacceptable('The salt has a wrong length');
  if (saltedPassword.length !== SCRAM_HASHES[mechanism].bytes) {
    throw unacceptable(`The salted password is not ${SCRAM_HASHES[mechanism].bytes} bytes long`);
  }
  // The frame is reused.
  const ownSalt = Buffer.from(salt);
  return {
    mechanism,
    credential: credentialOfSaltedPassword(mechanism, saltedPassword, { salt: ownSalt, iterations }),
  };
}

function refusalOf(refusal: UserRefusal): Refused {
  switch (refusal.code) {
    case 'userNotFound':
    case 'credentialNotFound':
      return new Refused(errorCodes.RESOURCE_NOT_FOUND, 'Attempt to delete a user credential that does not exist');
    case 'invalidUserName':
      return new Refused(errorCodes.UNACCEPTABLE_CREDENTIAL, 'The user name is too long');
    case 'tooManyUsers':
      return new Refused(errorCodes.POLICY_VIOLATION, `At most ${refusal.max} users are kept.`);
  }
}
