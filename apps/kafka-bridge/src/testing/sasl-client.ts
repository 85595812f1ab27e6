import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { errorCodes, saslAuthenticateApi, saslHandshakeApi } from '@tailrace/kafka-protocol';
import type { WireClient } from './wire-client.ts';

export interface SaslOutcome {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly sessionLifetimeMs: bigint;
}

/** The client's side of SCRAM, written down from RFC 5802 alone. For specs. */
export function scramClient(mechanism: string, name: string, password: string, nonce = 'rOprNGfwEbeRWgbNEkqO') {
  const algorithm = mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512';
  const hmac = (key: Buffer, text: string) => createHmac(algorithm, key).update(text).digest();
  const bare = `n=${name.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`;
  let expected = '';
  return {
    first: Buffer.from(`n,,${bare}`),
    /** Of the server's first message. */
    final(serverFirst: Buffer): Buffer {
      const text = serverFirst.toString();
      const [, combined, salt, iterations] = /^r=(.*),s=(.*),i=(\d+)$/.exec(text) as unknown as string[];
      const bytes = algorithm === 'sha256' ? 32 : 64;
      const salted = pbkdf2Sync(password, Buffer.from(salt as string, 'base64'), Number(iterations), bytes, algorithm);
      const withoutProof = `c=biws,r=${combined}`;
      const message = `${bare},${text},${withoutProof}`;
      const clientKey = hmac(salted, 'Client Key');
      const signature = hmac(createHash(algorithm).update(clientKey).digest(), message);
      const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] as number)));
      expected = `v=${hmac(hmac(salted, 'Server Key'), message).toString('base64')}`;
      return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`);
    },
    /** Whether the server's last message proves that it knows the password's trace. */
    isProof: (serverFinal: Buffer) => serverFinal.toString() === expected,
  };
}

/** Authenticates by PLAIN or SCRAM in SaslAuthenticate. */
export async function authenticate(
  client: WireClient,
  mechanism: string,
  name: string,
  password: string,
): Promise<SaslOutcome> {
  const shaken = await client.request(saslHandshakeApi, 1, { mechanism });
  if (shaken.errorCode !== errorCodes.NONE) return { ...shaken, errorMessage: null, sessionLifetimeMs: 0n };
  const send = (authBytes: Buffer) => client.request(saslAuthenticateApi, 2, { authBytes });
  if (mechanism === 'PLAIN') return send(Buffer.from(`\0${name}\0${password}`));
  const scram = scramClient(mechanism, name, password);
  const first = await send(scram.first);
  if (first.errorCode !== errorCodes.NONE) return first;
  const last = await send(scram.final(first.authBytes));
  if (last.errorCode === errorCodes.NONE && !scram.isProof(last.authBytes))
    throw new Error('the server proved nothing');
  return last;
}
