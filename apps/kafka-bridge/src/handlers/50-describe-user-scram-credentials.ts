import {
  describeUserScramCredentialsApi,
  type DescribeUserScramCredentialsResponse,
  errorCodes,
} from '@tailrace/kafka-protocol';
import type { User } from '@tailrace/identity';
import { SCRAM_CODES } from '../security/scram-codes.ts';
import { handler } from './handler.ts';

type Result = DescribeUserScramCredentialsResponse['results'][number];

/**
 * DescribeUserScramCredentials: which users have credentials for which mechanisms.
 * Per user: DUPLICATE_RESOURCE (named twice), RESOURCE_NOT_FOUND.
 */
export const describeUserScramCredentials = handler({
  api: describeUserScramCredentialsApi,
  versions: describeUserScramCredentialsApi.advertised,
  run({ users: wanted }, exchange, { security }) {
    const { users } = security;
    const answer = (results: Result[]) => {
      for (const { errorCode } of results) exchange.noteError(errorCode);
      return { throttleTimeMs: 0, errorCode: errorCodes.NONE, errorMessage: null, results };
    };
    if (wanted === null || wanted.length === 0) return answer(users.list().map(describe));
    const names = wanted.map(({ name }) => name);
    return answer(
      [...new Set(names)].map((name) => {
        if (names.indexOf(name) !== names.lastIndexOf(name)) {
          const problem = `Cannot describe SCRAM credentials for the same user twice in a single request: ${name}`;
          return failed(name, errorCodes.DUPLICATE_RESOURCE, problem);
        }
        const user = users.find(name);
        if (user !== undefined) return describe(user);
        return failed(
          name,
          errorCodes.RESOURCE_NOT_FOUND,
          `Attempt to describe a user credential that does not exist: ${name}`,
        );
      }),
    );
  },
});

function describe({ name, credentials }: User): Result {
  const credentialInfos = [...credentials].map(([mechanism, { iterations }]) => ({
    mechanism: SCRAM_CODES[mechanism],
    iterations,
  }));
  return { user: name, errorCode: errorCodes.NONE, errorMessage: null, credentialInfos };
}

function failed(user: string, errorCode: number, errorMessage: string): Result {
  return { user, errorCode, errorMessage, credentialInfos: [] };
}
