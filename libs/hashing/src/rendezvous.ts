import { hash } from 'node:crypto';

/**
 * Highest-random-weight hashing: every process that knows the same members picks the same owner for a name, and when a
 * member goes away only its own names move. `undefined` when there are no members.
 */
export function rendezvousOwner<M extends string | number>(name: string, members: Iterable<M>): M | undefined {
  let owner: M | undefined;
  let best = '';
  for (const member of members) {
    const weight = hash('md5', `${member}\u0000${name}`, 'hex');
    if (owner === undefined || weight > best) {
      owner = member;
      best = weight;
    }
  }
  return owner;
}
