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
export { type AwsCredentials, type RequestToSign, signRequest, type SigningOptions } from './aws/request-signer.ts';
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
export {
  type Acl,
  ACL_OPERATIONS,
  type AclOperation,
  ANONYMOUS,
  CLUSTER_NAME,
  EVERYBODY,
  type Operation,
  OPERATIONS_OF,
  type PatternType,
  type Permission,
  problemOfAcl,
  RESOURCE_TYPES,
  type ResourceType,
  WILDCARD,
} from './acls/acl.ts';
export { AclIndex, type AclVerdict, type Subject } from './acls/acl-index.ts';
export { type AclOutcome, type AclRefusal, Acls, ACLS_MAX } from './acls/acls.ts';
export { type AclMode, Authorizer, type AuthorizerOptions } from './acls/authorizer.ts';
export {
  CLIENT_QUOTA_KEYS,
  type ClientQuota,
  type ClientQuotaChange,
  type ClientQuotaEntity,
  type ClientQuotaKey,
  type ClientQuotaValues,
} from './client-quotas/client-quota.ts';
export { type AppliedQuota, type ClientQuotaOutcome, ClientQuotas } from './client-quotas/client-quotas.ts';
export {
  type Authenticated,
  SASL_MECHANISMS,
  type SaslExchange,
  type SaslMechanism,
  type SaslStep,
} from './sasl/sasl-mechanism.ts';
export { PlainExchange } from './sasl/plain-exchange.ts';
export { ScramExchange } from './sasl/scram-exchange.ts';
export { OAuthBearerExchange } from './sasl/oauth-bearer-exchange.ts';
export {
  openTokenVerifier,
  type TokenVerdict,
  type TokenVerifier,
  type TokenVerifierOptions,
} from './sasl/token-verifier.ts';
export {
  credentialOfPassword,
  credentialOfSaltedPassword,
  SCRAM_HASHES,
  SCRAM_ITERATIONS_MAX,
  SCRAM_ITERATIONS_MIN,
  SCRAM_MECHANISMS,
  SCRAM_SALT_BYTES_MAX,
  type ScramCredential,
  type ScramMechanism,
} from './users/scram-credential.ts';
export type { User } from './users/user-document.ts';
export { type CredentialChange, type UserOutcome, type UserRefusal, Users, USERS_MAX } from './users/users.ts';
