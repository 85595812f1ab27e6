/**
 * The longest that a fetch waits for records, whatever its client asks for: Kafka's connections.max.idle.ms by default, after which
 * a broker would end the connection of one that waits longer. The client gets an empty answer and asks again.
 */
export const FETCH_WAIT_MS_MAX = 600_000;
