import { array, int16, int32, int8, nullableArray, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** Which users have SCRAM credentials. */
export const describeUserScramCredentialsRequest = message({
  name: 'DescribeUserScramCredentialsRequest',
  key: 50,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    /** Null and the empty list ask for all users. */
    users: nullableArray(struct({ name: string() })),
  },
});

/** The mechanisms for which each user has a credential; what is in it stays here. */
export const describeUserScramCredentialsResponse = message({
  name: 'DescribeUserScramCredentialsResponse',
  key: 50,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    results: array(
      struct({
        user: string(),
        errorCode: int16(),
        errorMessage: nullableString(),
        credentialInfos: array(
          struct({
            /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
            mechanism: int8(),
            iterations: int32(),
          }),
        ),
      }),
    ),
  },
});

export const describeUserScramCredentialsApi = api(
  describeUserScramCredentialsRequest,
  describeUserScramCredentialsResponse,
);
export type DescribeUserScramCredentialsRequest = Of<typeof describeUserScramCredentialsRequest>;
export type DescribeUserScramCredentialsResponse = Draft<typeof describeUserScramCredentialsResponse>;
