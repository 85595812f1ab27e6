import { AwsError } from './aws-error.ts';

/** A request that only asks whether it would succeed: throws the exception by which the service says that it would. */
export function endDryRun(dryRun: boolean | undefined): void {
  if (dryRun !== true) return;
  throw new AwsError('DryRunOperationException', 'Request would have succeeded, but DryRun flag is set.');
}
