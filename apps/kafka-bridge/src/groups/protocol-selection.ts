import type { GroupMember } from './group-member.ts';

/** Whether every member knows at least one of these. */
export function anySupportedByAll(names: readonly string[], members: Iterable<GroupMember>): boolean {
  const all = [...members];
  return names.some((name) => all.every((member) => member.supports(name)));
}

/**
 * The protocol that all members know and most like best: each votes for the first on its own list that all know.
 * `undefined` when there is none, which joining does not let happen.
 */
export function selectProtocol(members: Iterable<GroupMember>): string | undefined {
  const all = [...members];
  const votes = new Map<string, number>();
  for (const { protocols } of all) {
    const choice = protocols.find(({ name }) => all.every((member) => member.supports(name)));
    if (choice !== undefined) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1);
  }
  let best: string | undefined;
  for (const [name, count] of votes) if (best === undefined || count > (votes.get(best) as number)) best = name;
  return best;
}
