/** The least a stream may ask for: the primary alone. */
export const MIN_INSYNC_REPLICAS_DEFAULT = 1;
/** No deployment has more copies of one Redis; a typing error has. */
export const MIN_INSYNC_REPLICAS_MAX = 16;

export type MinInsyncReplicasCheck =
  | { readonly ok: true; readonly minInsyncReplicas: number }
  /** A sentence for whoever set it. */
  | { readonly ok: false; readonly reason: string };

/**
 * Checks a `min.insync.replicas`, of a topic config or of `TAILRACE_MIN_INSYNC_REPLICAS`. `copies`: how many the store has
 * when all is well, the primary among them; where it is known, asking for more is refused, because every `acks=all`
 * append would be.
 */
export function checkMinInsyncReplicas(text: string, copies?: number): MinInsyncReplicasCheck {
  const minInsyncReplicas = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (minInsyncReplicas < 1 || minInsyncReplicas > MIN_INSYNC_REPLICAS_MAX) {
    const reason = `min.insync.replicas is ${text}; it must be a whole number from 1 to ${MIN_INSYNC_REPLICAS_MAX}`;
    return { ok: false, reason };
  }
  if (copies !== undefined && minInsyncReplicas > copies) {
    const has = copies === 1 ? 'keeps one copy' : `keeps ${copies} copies`;
    return { ok: false, reason: `min.insync.replicas is ${text}, but the store ${has} of a record` };
  }
  return { ok: true, minInsyncReplicas };
}
