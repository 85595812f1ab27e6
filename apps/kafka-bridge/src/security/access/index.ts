import type { AccessRule } from './access-rule.ts';
import { clusterRules } from './cluster.ts';
import { groupRules } from './groups.ts';
import { recordRules } from './records.ts';
import { shareGroupRules } from './share-groups.ts';
import { topicRules } from './topics.ts';
import { transactionRules } from './transactions.ts';

/** What each operation needs. An operation without a rule is refused where rules are in force. */
export const accessRules: readonly AccessRule[] = [
  ...recordRules,
  ...groupRules,
  ...shareGroupRules,
  ...topicRules,
  ...transactionRules,
  ...clusterRules,
].sort((a, b) => a.api.key - b.api.key);

/** The same, each at the index of its key. */
export const accessRulesByKey: readonly (AccessRule | undefined)[] = byKey();

function byKey(): (AccessRule | undefined)[] {
  const table: (AccessRule | undefined)[] = [];
  for (const rule of accessRules) table[rule.api.key] = rule;
  return table;
}
