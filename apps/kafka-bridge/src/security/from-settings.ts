import type { SaslMechanism, TokenVerifierOptions } from '@tailrace/identity';
import type { Settings } from '@tailrace/service';
import type { SecurityOptions } from './security.ts';

/** What the settings say about who is let in at the Kafka door, and what they may do. */
export function securityFromSettings(settings: Settings): SecurityOptions {
  const { kafkaAuth, kafkaAcls, kafkaSuperUsers, kafkaSessionMs } = settings;
  const mechanisms = kafkaAuth.filter((one) => one !== 'mtls').map((one) => one.toUpperCase() as SaslMechanism);
  return {
    mechanisms,
    certificates: kafkaAuth.includes('mtls'),
    tokens: kafkaAuth.includes('oauthbearer') ? tokensFrom(settings) : undefined,
    sessionMsMax: kafkaSessionMs,
    acls: kafkaAcls === 'auto' ? undefined : kafkaAcls,
    superUsers: kafkaSuperUsers,
  };
}

function tokensFrom(settings: Settings): TokenVerifierOptions {
  const { oauthKeys, oauthIssuer, oauthAudience, oauthPrincipalClaim } = settings;
  return {
    keys:
      oauthKeys === undefined
        ? 'unsecured'
        : /^https?:/i.test(oauthKeys)
          ? { url: new URL(oauthKeys) }
          : { path: oauthKeys },
    issuer: oauthIssuer,
    audiences: oauthAudience === undefined ? undefined : [oauthAudience],
    principalClaim: oauthPrincipalClaim,
  };
}
