/** What a client may cost this door. */

const KIB = 1024;
const MIB = 1024 * KIB;

/** Request line and headers together. SigV4 with a session token takes about 3 KiB. */
export const HEADER_BYTES_MAX = 16 * KIB;
/** PutRecords carries 10 MiB, in base64 13.4 MiB, and 500 partition keys with their JSON. */
export const BODY_BYTES_MAX = 14.5 * MIB;
/** Bodies of all requests under way together: beyond it, requests are refused, as ones to be tried again. */
export const BODIES_HELD_BYTES_MAX = 512 * MIB;
/** How long clients may take. In milliseconds. */
export interface HttpTimeouts {
  /** To show which protocol a connection speaks. */
  readonly sniffMs: number;
  /** To send all headers of a request: a client that sends them a byte at a time holds a connection no longer. */
  readonly headersMs: number;
  /** To send a body of the AWS protocol. Plain REST streams bodies of any length, and has the idle timeout alone. */
  readonly bodyMs: number;
  /** For the rest of a body of which a part is there, before it is waited for in the way of `bodyMs`. */
  readonly restOfBodyMs: number;
  /** In which nothing at all moves on a connection. */
  readonly idleMs: number;
  /** In which nothing of an answer over HTTP/2 is taken, though it waits. */
  readonly stallMs: number;
  /** To read a refusal while it still sends: a connection that is cut at once loses the answer that was under way. */
  readonly lingerMs: number;
}

export const HTTP_TIMEOUTS: HttpTimeouts = {
  sniffMs: 10_000,
  headersMs: 10_000,
  bodyMs: 30_000,
  restOfBodyMs: 1_000,
  idleMs: 75_000,
  stallMs: 30_000,
  lingerMs: 2_000,
};
/** How often slow headers are looked for, at least. */
export const TIMEOUT_CHECK_INTERVAL_MS = 2_000;
/** Open connections; further ones are closed at once. */
export const CONNECTIONS_MAX = 10_000;
/**
 * Requests of one HTTP/1.1 connection that wait behind its first unanswered one; then no more is read. What lies in the same read
 * (64 KiB) is still begun.
 */
export const H1_REQUESTS_BEHIND_MAX = 64;
/** Requests at once on one HTTP/2 connection. */
export const H2_STREAMS_MAX = 1_000;
/** Bytes that an HTTP/2 client may send ahead: for one request, and for the connection. The default of 64 KiB makes large puts slow. */
export const H2_STREAM_WINDOW_BYTES = MIB;
export const H2_CONNECTION_WINDOW_BYTES = 8 * MIB;
/** Memory of one HTTP/2 session before it refuses further requests, in MiB. An answer of GetRecords takes 14. */
export const H2_SESSION_MEMORY_MIB = 64;
/** Answers that clients have not taken yet, of all connections together: beyond it, requests are refused, as ones to be tried again. */
export const ANSWERS_HELD_BYTES_MAX = 512 * MIB;
/** Larger answers over HTTP/2 are sent in parts of so much. */
export const ANSWER_SLICE_BYTES = 256 * KIB;
/** Answers that go on (SubscribeToShard) at once, of all clients together: each one holds an event and its frames. */
export const EVENT_STREAMS_MAX = 10_000;
/** What one of them lets wait for a client that does not read: an event of 10 MiB in base64, and what came before it. */
export const EVENT_STREAM_HELD_BYTES_MAX = 32 * MIB;
/** How long a client may take to read the rest of one that has ended: one that reads nothing is cut then. */
export const EVENT_STREAM_REST_MS = 10_000;
/** Preflight answers may be kept for two days, as the service says. */
export const CORS_MAX_AGE_SECONDS = 172_800;
