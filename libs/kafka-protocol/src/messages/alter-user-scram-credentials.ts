import { array, bytes, int16, int32, int8, nullableString, string, struct } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** SCRAM credentials of users to set or to remove. The password itself never comes here. */
export const alterUserScramCredentialsRequest = message({
  name: 'AlterUserScramCredentialsRequest',
  key: 51,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    deletions: array(
      struct({
        name: string(),
        /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
        mechanism: int8(),
      }),
    ),
    upsertions: array(
      struct({
        name: string(),
        /** 1 SCRAM-SHA-256, 2 SCRAM-SHA-512. */
        mechanism: int8(),
        iterations: int32(),
        /** Random, chosen by the client. */
        salt: bytes(),
        /** PBKDF2 of password, salt and iterations. */
        saltedPassword: bytes(),
      }),
    ),
  },
});

/** How it went, once for each user. */
export const alterUserScramCredentialsResponse = message({
  name: 'AlterUserScramCredentialsResponse',
  key: 51,
  versions: [0, 0],
  flexibleFrom: 0,
  fields: {
    /** How long the client shall be silent for its quota; we do not read from it so long (KIP-219). */
    throttleTimeMs: int32(),
    results: array(struct({ user: string(), errorCode: int16(), errorMessage: nullableString() })),
  },
});

export const alterUserScramCredentialsApi = api(alterUserScramCredentialsRequest, alterUserScramCredentialsResponse);
export type AlterUserScramCredentialsRequest = Of<typeof alterUserScramCredentialsRequest>;
export type AlterUserScramCredentialsResponse = Draft<typeof alterUserScramCredentialsResponse>;
