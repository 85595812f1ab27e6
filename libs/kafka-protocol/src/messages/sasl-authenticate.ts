import { bytes, int16, int64, nullableString } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** One message of the SASL exchange. */
export const saslAuthenticateRequest = message({
  name: 'SaslAuthenticateRequest',
  key: 36,
  versions: [0, 2],
  flexibleFrom: 2,
  fields: {
    /** A message of the chosen mechanism. */
    authBytes: bytes(),
  },
});

/** The next message from our side of the SASL exchange. */
export const saslAuthenticateResponse = message({
  name: 'SaslAuthenticateResponse',
  key: 36,
  versions: [0, 2],
  flexibleFrom: 2,
  fields: {
    errorCode: int16(),
    errorMessage: nullableString(),
    /** A message of the chosen mechanism. */
    authBytes: bytes(),
    /** When the client must authenticate again; 0 never. */
    sessionLifetimeMs: int64({ since: 1, default: 0n, ignorable: true }),
  },
});

export const saslAuthenticateApi = api(saslAuthenticateRequest, saslAuthenticateResponse);
export type SaslAuthenticateRequest = Of<typeof saslAuthenticateRequest>;
export type SaslAuthenticateResponse = Draft<typeof saslAuthenticateResponse>;
