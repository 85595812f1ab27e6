import { setTimeout as delay } from 'node:timers/promises';
import {
  apiVersionsApi,
  type ErrorCode,
  errorCodes,
  saslAuthenticateApi,
  saslHandshakeApi,
} from '@tailrace/kafka-protocol';
import {
  ANONYMOUS,
  type Authenticated,
  type SaslExchange,
  type SaslMechanism,
  type SaslStep,
} from '@tailrace/identity';

/** Largest frame of a client that has not shown who it is, as Kafka's sasl.server.max.receive.size. */
export const FRAME_BYTES_MAX_BEFORE_AUTHENTICATION = 512 * 1024;
/** A client must have shown who it is within this time. */
export const AUTHENTICATION_MS_MAX = 60_000;
/** How long the answer to a failed authentication waits, as Kafka's connection.failed.authentication.delay.ms. */
export const FAILURE_DELAY_MS = 100;
/** A client that has just authenticated may not do so again at once (KIP-368). */
export const REAUTHENTICATION_INTERVAL_MS_MIN = 1_000;
/** Messages of one exchange; SCRAM has two. */
const STEPS_MAX = 8;

/** What a door offers to those who come. */
export interface Authentication {
  readonly mechanisms: readonly SaslMechanism[];
  begin(mechanism: SaslMechanism): SaslExchange;
  /** How long an authentication holds at most; 0: as long as the connection. */
  readonly sessionMsMax: number;
  /** Largest frame of those who have shown who they are. */
  readonly frameBytesMax: number;
  readonly failureDelayMs: number;
}

/** What the next message of an exchange led to. */
export type AuthenticationStep =
  | { readonly kind: 'challenge'; readonly message: Buffer }
  | { readonly kind: 'done'; readonly message: Buffer; readonly sessionLifetimeMs: number }
  /** The connection must end; `reason` may be told, `detail` is for the log. */
  | { readonly kind: 'failed'; readonly reason: string; readonly detail: string };

/**
 * Where one connection stands with its authentication, as Kafka has it: ApiVersions, then SaslHandshake, then messages of the
 * mechanism: in SaslAuthenticate, or bare after a handshake of version 0. Who has authenticated may do so again, as the
 * same one and by the same mechanism, before the session is over (KIP-368); then nothing else may come in between.
 */
export class SaslSession {
  readonly #authentication: Authentication;
  readonly #clock: () => number;
  readonly #wallClock: () => number;
  #exchange:
    | { readonly mechanism: SaslMechanism; readonly sasl: SaslExchange; readonly bare: boolean; steps: number }
    | undefined;
  #authenticated: { readonly principal: string; readonly mechanism: SaslMechanism; readonly atMs: number } | undefined;
  #expiresAtMs = Infinity;
  #failed = false;

  /** `clock` never goes back; `wallClock` is in milliseconds since 1970. */
  constructor(
    authentication: Authentication,
    clock: () => number = () => performance.now(),
    wallClock: () => number = Date.now,
  ) {
    this.#authentication = authentication;
    this.#clock = clock;
    this.#wallClock = wallClock;
  }

  /** `User:ANONYMOUS` until it is known. */
  get principal(): string {
    return this.#authenticated?.principal ?? ANONYMOUS;
  }

  get isAuthenticated(): boolean {
    return this.#authenticated !== undefined;
  }

  get frameBytesMax(): number {
    return this.#authenticated === undefined
      ? FRAME_BYTES_MAX_BEFORE_AUTHENTICATION
      : this.#authentication.frameBytesMax;
  }

  /** Whether the next frame is a message of the mechanism and no request. */
  get takesBareMessages(): boolean {
    return this.#exchange?.bare === true;
  }

  /** Why a request of this kind may not be served now; `undefined` if it may. The connection ends with it. */
  refuse(apiKey: number): string | undefined {
    if (this.#failed) return 'a request after a failed authentication';
    if (this.#exchange !== undefined) {
      if (apiKey === saslAuthenticateApi.key) return undefined;
      return `a request with API key ${apiKey} came during authentication`;
    }
    if (this.#authenticated !== undefined) {
      if (this.#clock() <= this.#expiresAtMs || apiKey === saslHandshakeApi.key) return undefined;
      return `the session of ${this.principal} is over, and the client did not authenticate again`;
    }
    if (apiKey === apiVersionsApi.key || apiKey === saslHandshakeApi.key) return undefined;
    // A client that is not configured for SASL: worth a sentence that says so.
    return `a request with API key ${apiKey} came without authentication; the client is not configured for SASL`;
  }

  /** Takes up a mechanism. `bare`: its messages come as frames of their own. An error other than a refused repetition ends the connection. */
  handshake(mechanism: string, bare: boolean): { readonly errorCode: ErrorCode; readonly ends: boolean } {
    const before = this.#authenticated;
    if (before !== undefined) {
      const tooSoon = this.#clock() - before.atMs < REAUTHENTICATION_INTERVAL_MS_MIN;
      if (tooSoon || bare) return { errorCode: errorCodes.ILLEGAL_SASL_STATE, ends: false };
    }
    const known = this.#authentication.mechanisms.find((one) => one === mechanism);
    if (known === undefined || (before !== undefined && before.mechanism !== known)) {
      this.#failed = true;
      return { errorCode: errorCodes.UNSUPPORTED_SASL_MECHANISM, ends: true };
    }
    this.#exchange = { mechanism: known, sasl: this.#authentication.begin(known), bare, steps: 0 };
    return { errorCode: errorCodes.NONE, ends: false };
  }

  get mechanisms(): readonly SaslMechanism[] {
    return this.#authentication.mechanisms;
  }

  /** Whether a message of a mechanism is due. */
  get expectsMessage(): boolean {
    return this.#exchange !== undefined && !this.#failed;
  }

  /** The client's next message; only where one is due. A failure takes its time, so that guessing does. */
  async step(message: Buffer): Promise<AuthenticationStep> {
    const exchange = this.#exchange;
    if (exchange === undefined) throw new Error('no message of a mechanism was due');
    const step: SaslStep =
      ++exchange.steps > STEPS_MAX
        ? { kind: 'failed', reason: 'the exchange does not come to an end' }
        : await exchange.sasl.step(message);
    switch (step.kind) {
      case 'challenge':
        return step;
      case 'done':
        return this.#admit(exchange.mechanism, step.authenticated, step.message);
      case 'failed':
        return this.#refuse(exchange.mechanism, step.reason, step.detail);
    }
  }

  #admit(
    mechanism: SaslMechanism,
    { userName, expiresAtMs }: Authenticated,
    message: Buffer,
  ): AuthenticationStep | Promise<AuthenticationStep> {
    const principal = `User:${userName}`;
    const before = this.#authenticated;
    if (before !== undefined && before.principal !== principal) {
      const reason = `Cannot change principals during re-authentication from ${before.principal} to ${principal}`;
      return this.#refuse(mechanism, reason, undefined);
    }
    this.#exchange = undefined;
    const now = this.#clock();
    this.#authenticated = { principal, mechanism, atMs: now };
    const { sessionMsMax } = this.#authentication;
    const credentialMs = expiresAtMs === undefined ? Infinity : Math.max(0, expiresAtMs - this.#wallClock());
    const lifetimeMs = Math.min(credentialMs, sessionMsMax === 0 ? Infinity : sessionMsMax);
    this.#expiresAtMs = now + lifetimeMs;
    return { kind: 'done', message, sessionLifetimeMs: lifetimeMs === Infinity ? 0 : Math.ceil(lifetimeMs) };
  }

  async #refuse(mechanism: SaslMechanism, reason: string, detail: string | undefined): Promise<AuthenticationStep> {
    this.#failed = true;
    await delay(this.#authentication.failureDelayMs);
    return { kind: 'failed', reason, detail: `${mechanism}: ${detail ?? reason}` };
  }
}
