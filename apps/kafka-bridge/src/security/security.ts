import type { Documents, TokenBuckets } from '@tailrace/shard-core';
import {
  type AclMode,
  Acls,
  Authorizer,
  ClientQuotas,
  OAuthBearerExchange,
  openTokenVerifier,
  PlainExchange,
  type SaslExchange,
  type SaslMechanism,
  ScramExchange,
  type TokenVerifier,
  type TokenVerifierOptions,
  Users,
} from '@tailrace/identity';
import { ClientLimits } from '@tailrace/quota';
import { ReadableFailure } from '@tailrace/service';
import { type Authentication, FAILURE_DELAY_MS } from './sasl-session.ts';

/** Who is let in at the Kafka door, and what they may do. All of it has a default: everybody, and everything. */
export interface SecurityOptions {
  /** Of which a client must use one; none: nobody is asked. */
  readonly mechanisms?: readonly SaslMechanism[] | undefined;
  /** Whether a client's certificate does instead. */
  readonly certificates?: boolean | undefined;
  /** With OAUTHBEARER. */
  readonly tokens?: TokenVerifierOptions | undefined;
  /** After how long a client must authenticate again; 0: when its token ends, others never. */
  readonly sessionMsMax?: number | undefined;
  /** By default `strict` where clients are asked who they are, else `open`. */
  readonly acls?: AclMode | undefined;
  /** `User:<name>` */
  readonly superUsers?: readonly string[] | undefined;
  readonly failureDelayMs?: number | undefined;
}

/** What the handlers and connections of a bridge need to know of who is who. */
export interface Security {
  /** Absent: nobody is asked by SASL. */
  readonly authentication: Authentication | undefined;
  /** Whether a certificate counts as authentication. */
  readonly certificates: boolean;
  readonly users: Users;
  readonly acls: Acls;
  readonly authorizer: Authorizer;
  readonly quotas: ClientQuotas;
  readonly clientLimits: ClientLimits;
  close(): Promise<void>;
}

/** Throws StoreUnavailable, and ReadableFailure where the keys of tokens cannot be read. */
export async function openSecurity(
  { documents, tokenBuckets }: { readonly documents: Documents; readonly tokenBuckets: TokenBuckets },
  options: SecurityOptions,
  frameBytesMax: number,
): Promise<Security> {
  const { mechanisms = [], certificates = false, tokens, superUsers } = options;
  const verifier = mechanisms.includes('OAUTHBEARER') ? await openVerifier(tokens) : undefined;
  /** What has been opened: closed again when a later one cannot be opened. */
  const opened: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const one of opened.splice(0).reverse()) await one();
  };
  const kept = <T extends { close(): Promise<void> }>(one: T): T => {
    opened.push(() => one.close());
    return one;
  };
  try {
    const users = kept(await Users.open(documents));
    const acls = kept(await Acls.open(documents));
    const quotas = kept(await ClientQuotas.open(documents));
    const clientLimits = kept(new ClientLimits(tokenBuckets));
    const asks = mechanisms.length > 0 || certificates;
    const authentication: Authentication = {
      mechanisms,
      begin: (mechanism) => beginExchange(mechanism, users, verifier),
      sessionMsMax: options.sessionMsMax ?? 0,
      frameBytesMax,
      failureDelayMs: options.failureDelayMs ?? FAILURE_DELAY_MS,
    };
    return {
      authentication: mechanisms.length === 0 ? undefined : authentication,
      certificates,
      users,
      acls,
      authorizer: new Authorizer(acls, { mode: options.acls ?? (asks ? 'strict' : 'open'), superUsers }),
      quotas,
      clientLimits,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function beginExchange(mechanism: SaslMechanism, users: Users, tokens: TokenVerifier | undefined): SaslExchange {
  switch (mechanism) {
    case 'PLAIN':
      return new PlainExchange(users);
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512':
      return new ScramExchange(mechanism, users);
    case 'OAUTHBEARER':
      return new OAuthBearerExchange(tokens as TokenVerifier);
  }
}

async function openVerifier(tokens: TokenVerifierOptions | undefined): Promise<TokenVerifier> {
  if (tokens === undefined) throw new ReadableFailure('OAUTHBEARER needs the keys that tokens are signed with.');
  try {
    return await openTokenVerifier(tokens);
  } catch (error) {
    throw new ReadableFailure(`The keys of OAuth tokens cannot be read: ${(error as Error).message}`, { cause: error });
  }
}
