/** Every mechanism that can be offered, by the name that clients give it. */
export const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const;

export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

/** Who a client has shown to be. */
export interface Authenticated {
  /** Without `User:` before it. */
  readonly userName: string;
  /** When what it has shown ends by itself (a token's expiry), in milliseconds since 1970. */
  readonly expiresAtMs?: number | undefined;
}

export type SaslStep =
  /** Goes to the client, and its next message comes here. */
  | { readonly kind: 'challenge'; readonly message: Buffer }
  /** It is over, and this last message goes to the client. */
  | { readonly kind: 'done'; readonly message: Buffer; readonly authenticated: Authenticated }
  /** It is over. `reason` may be told to the client; `detail`, which says more, goes to the log. */
  | { readonly kind: 'failed'; readonly reason: string; readonly detail?: string };

/** One run of a mechanism: the client's messages go in, ours come out. Bytes and no sockets. */
export interface SaslExchange {
  /** Of the client's next message. Must not be called again before it has settled, nor after the end. */
  step(message: Buffer): SaslStep | Promise<SaslStep>;
}

export const NO_MESSAGE: Buffer = Buffer.alloc(0);

export function failed(reason: string, detail?: string): SaslStep {
  return detail === undefined ? { kind: 'failed', reason } : { kind: 'failed', reason, detail };
}
