import { array, int16, string } from '../codec/field.ts';
import { type Draft, message, type Of } from '../codec/message.ts';
import { api } from '../headers.ts';

/** A client names the SASL mechanism it is going to use. */
export const saslHandshakeRequest = message({
  name: 'SaslHandshakeRequest',
  key: 17,
  versions: [0, 1],
  fields: {
    /** Such as `SCRAM-SHA-256`. */
    mechanism: string(),
  },
});

/** Whether that mechanism is on offer. */
export const saslHandshakeResponse = message({
  name: 'SaslHandshakeResponse',
  key: 17,
  versions: [0, 1],
  fields: {
    errorCode: int16(),
    /** Those on offer. */
    mechanisms: array(string()),
  },
});

export const saslHandshakeApi = api(saslHandshakeRequest, saslHandshakeResponse);
export type SaslHandshakeRequest = Of<typeof saslHandshakeRequest>;
export type SaslHandshakeResponse = Draft<typeof saslHandshakeResponse>;
