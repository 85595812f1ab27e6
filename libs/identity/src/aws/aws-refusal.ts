/** The exceptions of the AWS protocol by which a request is turned away before its operation is looked at. */
export type AwsRefusalType =
  | 'MissingAuthenticationTokenException'
  | 'IncompleteSignatureException'
  | 'InvalidSignatureException'
  | 'UnrecognizedClientException'
  | 'AccessDeniedException';

/** Why not: the exception's name and its text, as AWS words it. All of them are answered with status 400. */
export interface AwsRefusal {
  readonly ok: false;
  readonly type: AwsRefusalType;
  readonly message: string;
  /** For the log of somebody who writes a signer: what was signed by our reckoning. Holds no secret. */
  readonly detail?: string;
}

export function refuse(type: AwsRefusalType, message: string): AwsRefusal {
  return { ok: false, type, message };
}
