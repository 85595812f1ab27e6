import type { GroupProtocol, JoinAnswer, JoinRequest, SyncAnswer } from './group-requests.ts';
import type { Timers } from './timers.ts';

const NO_BYTES = Buffer.alloc(0);

/** Once it is removed, nothing of a member is left but its id in the client's hands. */
export class GroupMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  sessionTimeoutMs: number;
  rebalanceTimeoutMs: number;
  protocols: readonly GroupProtocol[];
  assignment: Buffer = NO_BYTES;
  /** It has not been in a generation yet: its client may have gone away while it waits. */
  isNew = true;
  /** Set while it waits for the generation to begin. */
  joinAnswer: ((answer: JoinAnswer) => void) | undefined;
  /** Set while it waits for its assignment. */
  syncAnswer: ((answer: SyncAnswer) => void) | undefined;
  readonly #timers: Timers;
  readonly #expired: (member: GroupMember) => void;
  #deadlineMs = 0;
  #armedForMs = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(
    memberId: string,
    request: Pick<
      JoinRequest,
      'instanceId' | 'clientId' | 'clientHost' | 'sessionTimeoutMs' | 'rebalanceTimeoutMs' | 'protocols'
    >,
    timers: Timers,
    expired: (member: GroupMember) => void,
  ) {
    this.memberId = memberId;
    this.instanceId = request.instanceId;
    this.clientId = request.clientId;
    this.clientHost = request.clientHost;
    this.sessionTimeoutMs = request.sessionTimeoutMs;
    this.rebalanceTimeoutMs = request.rebalanceTimeoutMs;
    this.protocols = request.protocols;
    this.#timers = timers;
    this.#expired = expired;
  }

  /** The member has shown itself: it is alive for another `timeoutMs`. */
  keepAlive(timeoutMs: number = this.sessionTimeoutMs): void {
    this.#deadlineMs = this.#timers.now() + timeoutMs;
    // A timer that is armed already and fires earlier looks again then: a heartbeat costs no timer.
    if (this.#armedForMs <= this.#deadlineMs) return;
    this.#arm();
  }

  stopTimer(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#armedForMs = Number.POSITIVE_INFINITY;
  }

  supports(protocolName: string): boolean {
    return this.protocols.some(({ name }) => name === protocolName);
  }

  metadata(protocolName: string): Buffer {
    return this.protocols.find(({ name }) => name === protocolName)?.metadata ?? NO_BYTES;
  }

  /** Whether the member says of itself what it has said before. */
  matches(protocols: readonly GroupProtocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(
        ({ name, metadata }, i) => name === this.protocols[i]?.name && metadata.equals(this.protocols[i].metadata),
      )
    );
  }

  #arm(): void {
    this.#cancel?.();
    this.#armedForMs = this.#deadlineMs;
    this.#cancel = this.#timers.after(this.#deadlineMs - this.#timers.now(), () => this.#fired());
  }

  #fired(): void {
    this.#cancel = undefined;
    this.#armedForMs = Number.POSITIVE_INFINITY;
    if (this.#timers.now() < this.#deadlineMs) this.#arm();
    else if (this.#waitsForOthers) this.keepAlive();
    else this.#expired(this);
  }

  /** It is the others who let it wait; a client cannot send heartbeats before its first generation. */
  get #waitsForOthers(): boolean {
    return !this.isNew && (this.joinAnswer !== undefined || this.syncAnswer !== undefined);
  }
}
