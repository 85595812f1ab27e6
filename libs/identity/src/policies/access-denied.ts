import { type AwsRefusal, refuse } from '../aws/aws-refusal.ts';
import type { AccessQuestion, Denial } from './evaluate.ts';

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html */
const reasons = {
  explicitIdentityDeny: () => 'with an explicit deny in an identity-based policy',
  explicitResourceDeny: () => 'with an explicit deny in a resource-based policy',
  noResourceAllow: (action) => `because no resource-based policy allows the ${action} action`,
  noIdentityAllow: (action) => `because no identity-based policy allows the ${action} action`,
} satisfies { readonly [Why in Denial]: (action: string) => string };

/** The service's words for a denial. It writes the member that holds them with a capital: `Message`. */
export function accessDenied(
  { principal, action, resource }: Pick<AccessQuestion, 'principal' | 'action' | 'resource'>,
  why: Denial,
): AwsRefusal {
  return refuse(
    'AccessDeniedException',
    `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${resource} ${reasons[why](action)}`,
  );
}
