import { randomBytes } from 'node:crypto';
import type { Documents } from '@tailrace/shard-core';

const CLUSTER_ID_KEY = 'cluster/id';

/** The id that all bridges over one store show as their cluster's: made once, by whichever comes first. */
export async function clusterIdOf(documents: Documents): Promise<string> {
  const known = await documents.get(CLUSTER_ID_KEY);
  if (known !== undefined) return JSON.parse(known.value) as string;
  // 22 characters of base64url, as Kafka's own.
  const id = randomBytes(16).toString('base64url');
  const written = await documents.write([{ key: CLUSTER_ID_KEY, value: JSON.stringify(id), expected: 'absent' }]);
  if (written.ok) return id;
  const { current } = written.conflict;
  if (current === undefined) throw new Error(`${CLUSTER_ID_KEY} was there and is gone: nobody deletes it`);
  return JSON.parse(current.value) as string;
}
