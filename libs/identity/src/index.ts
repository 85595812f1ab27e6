export {
  ARN_CHARACTERS_MAX,
  type ConsumerArn,
  formatConsumerArn,
  formatStreamArn,
  parseConsumerArn,
  parseStreamArn,
  type Partition,
  partitionOf,
  type StreamArn,
} from './arn.ts';
export type { AwsRefusal, AwsRefusalType } from './aws/aws-refusal.ts';
export { type Caller, callerOf, DEFAULT_ACCOUNT, DEFAULT_REGION } from './aws/caller.ts';
export type { SignedRequest } from './aws/canonical-request.ts';
export {
  CLOCK_SKEW_MS,
  PRESIGNED_EXPIRES_SECONDS_MAX,
  SignatureVerifier,
  type SignatureVerifierOptions,
  type Signer,
  type Verified,
} from './aws/signature-verifier.ts';
export { type AccessKeyDescription, isAccount } from './access-keys/access-key.ts';
export {
  ACCESS_KEYS_MAX,
  type AccessKeyOutcome,
  type AccessKeyPage,
  type AccessKeyRefusal,
  AccessKeyRegister,
  type CreatedAccessKey,
  type NewAccessKey,
} from './access-keys/access-key-register.ts';
export { type AccessKeyIdentity, KnownAccessKeys } from './access-keys/known-access-keys.ts';
export { MASTER_KEY_BYTES, parseMasterKey, SecretSealing } from './access-keys/secret-sealing.ts';
export { accessDenied } from './policies/access-denied.ts';
export { type AccessQuestion, type Decision, type Denial, evaluate } from './policies/evaluate.ts';
export {
  compilePolicy,
  FULL_ACCESS,
  type Policy,
  POLICY_CHARACTERS_MAX,
  type PolicyDocument,
  type PolicyKind,
  type PolicyPrincipal,
  type PolicyRead,
  type PolicyStatement,
  readPolicy,
} from './policies/policy.ts';
export { type Principal, userArn } from './policies/principal.ts';
