import type { Policy } from './policy.ts';
import type { Principal } from './principal.ts';

/** Why something is not allowed, in the order in which it is found. */
export type Denial = 'explicitIdentityDeny' | 'explicitResourceDeny' | 'noResourceAllow' | 'noIdentityAllow';

export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly why: Denial };

export interface AccessQuestion {
  readonly principal: Principal;
  /** `kinesis:PutRecord` */
  readonly action: string;
  /** The ARN of the stream or consumer; `*` for what concerns no single one (ListStreams). */
  readonly resource: string;
  /** Twelve digits: the account that the resource belongs to. */
  readonly resourceAccount: string;
  /** What the principal may do. */
  readonly identityPolicies: readonly Policy[];
  /** Who may do what to the resource; without one it allows and denies nothing. */
  readonly resourcePolicy?: Policy | undefined;
}

const ALLOWED: Decision = { allowed: true };
const denied = {
  explicitIdentityDeny: { allowed: false, why: 'explicitIdentityDeny' },
  explicitResourceDeny: { allowed: false, why: 'explicitResourceDeny' },
  noResourceAllow: { allowed: false, why: 'noResourceAllow' },
  noIdentityAllow: { allowed: false, why: 'noIdentityAllow' },
} as const satisfies { readonly [Why in Denial]: Decision };

/**
 * AWS's evaluation, without sessions, boundaries and organisations.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 *
 * 1. A Deny anywhere wins.
 * 2. Within an account an Allow of the identity's policies or of the resource's is enough; of the resource's only one that
 *    names the principal or everybody, for one that names the account leaves it to the identity's policies.
 * 3. Across accounts it takes both.
 * 4. What nobody allows is denied.
 */
export function evaluate(question: AccessQuestion): Decision {
  const { principal, resource, resourceAccount, identityPolicies, resourcePolicy } = question;
  const action = question.action.toLowerCase();
  let identityAllows = false;
  for (const { statements } of identityPolicies) {
    for (const statement of statements) {
      if (identityAllows && statement.allows) continue;
      if (!statement.coversAction(action) || !statement.coversResource(resource)) continue;
      if (!statement.allows) return denied.explicitIdentityDeny;
      identityAllows = true;
    }
  }
  let namesAccount = false;
  let namesDirectly = false;
  for (const statement of resourcePolicy?.statements ?? []) {
    const naming = statement.principals?.naming(principal);
    if (naming === undefined || !statement.coversAction(action) || !statement.coversResource(resource)) continue;
    if (!statement.allows) return denied.explicitResourceDeny;
    if (naming === 'directly') namesDirectly = true;
    else namesAccount = true;
  }
  if (principal.account === resourceAccount) {
    return identityAllows || namesDirectly ? ALLOWED : denied.noIdentityAllow;
  }
  if (!namesAccount && !namesDirectly) return denied.noResourceAllow;
  return identityAllows ? ALLOWED : denied.noIdentityAllow;
}
