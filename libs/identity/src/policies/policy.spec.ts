import { describe, expect, it } from '@jest/globals';
import { compilePolicy, FULL_ACCESS, POLICY_CHARACTERS_MAX, POLICY_LIST_MAX, readPolicy } from './policy.ts';

const allow = { Effect: 'Allow', Action: 'kinesis:PutRecord', Resource: '*' };
const granted = { ...allow, Principal: '*' };
const policyOf = (...Statement: readonly unknown[]) => ({ Version: '2012-10-17', Statement });

describe('a policy', () => {
  it.each([
    ['identity', FULL_ACCESS],
    ['identity', { Statement: allow }],
    ['identity', policyOf({ Sid: 'a', ...allow, Action: ['kinesis:Put*', 'S3:GetObject'] })],
    ['identity', policyOf({ Effect: 'Deny', NotAction: 'kinesis:*', NotResource: ['arn:aws:kinesis:*'] })],
    ['resource', { Version: '2008-10-17', Id: 'x', Statement: granted }],
    ['resource', policyOf({ ...granted, Principal: { AWS: '111122223333' } })],
    ['resource', policyOf({ ...granted, Principal: { AWS: ['arn:aws:iam::111122223333:root', '*'] } })],
    ['resource', policyOf({ ...granted, Principal: { AWS: 'arn:aws:iam::111122223333:user/a/b' } })],
    ['resource', policyOf({ ...granted, Principal: { Service: 'lambda.amazonaws.com' } })],
  ] as const)('of an %s is read: %j', (kind, document) => {
    expect(compilePolicy(kind, document)).toMatchObject({ ok: true, policy: { kind, document } });
    expect(readPolicy(kind, JSON.stringify(document))).toMatchObject({ ok: true, policy: { kind, document } });
  });

  it.each([
    ['identity', null, 'The policy must be an object.'],
    ['identity', [], 'The policy must be an object.'],
    ['identity', {}, 'The policy has no Statement.'],
    ['identity', policyOf(), 'The policy has no Statement.'],
    ['identity', { ...policyOf(allow), Extra: 1 }, '"Extra" in the policy is not supported.'],
    [
      'identity',
      { ...policyOf(allow), Version: '2020-01-01' },
      'Version is "2020-01-01"; it must be "2012-10-17" or "2008-10-17".',
    ],
    ['identity', { ...policyOf(allow), Id: 1 }, 'Id must be a string.'],
    ['identity', policyOf('x'), 'Statement 1 must be an object.'],
    ['identity', policyOf(allow, { ...allow, Condition: {} }), '"Condition" in Statement 2 is not supported.'],
    ['resource', policyOf({ ...granted, NotPrincipal: '*' }), '"NotPrincipal" in Statement 1 is not supported.'],
    ['identity', policyOf({ ...allow, Sid: 1 }), 'Statement 1: Sid must be a string.'],
    [
      'identity',
      policyOf({ ...allow, Effect: 'allow' }),
      'Statement 1: Effect is "allow"; it must be "Allow" or "Deny".',
    ],
    [
      'identity',
      policyOf({ Action: '*', Resource: '*' }),
      'Statement 1: Effect is missing; it must be "Allow" or "Deny".',
    ],
    ['identity', policyOf({ Effect: 'Allow', Resource: '*' }), 'Statement 1 must have either Action or NotAction.'],
    ['identity', policyOf({ ...allow, NotAction: '*' }), 'Statement 1 must have either Action or NotAction.'],
    ['identity', policyOf({ Effect: 'Allow', Action: '*' }), 'Statement 1 must have either Resource or NotResource.'],
    ['identity', policyOf({ ...allow, Action: [] }), 'Statement 1: Action is empty.'],
    ['identity', policyOf({ ...allow, Action: [1] }), 'Statement 1: Action must be a string or a list of strings.'],
    [
      'identity',
      policyOf({ ...allow, Action: 'PutRecord' }),
      'Statement 1: Action "PutRecord" is not of the form <service>:<operation> or "*".',
    ],
    [
      'identity',
      policyOf({ ...allow, Action: 'kinesis:Put Record' }),
      'Statement 1: Action "kinesis:Put Record" is not of the form <service>:<operation> or "*".',
    ],
    ['identity', policyOf({ ...allow, Resource: 'orders' }), 'Statement 1: Resource "orders" is no ARN and not "*".'],
    [
      'identity',
      policyOf({ ...allow, Resource: 'arn:aws:kinesis:*:*:stream/${aws:username}' }),
      'Statement 1: Resource "arn:aws:kinesis:*:*:stream/${aws:username}" has a variable; variables are not supported.',
    ],
    [
      'identity',
      policyOf(granted),
      "Statement 1: Principal belongs to a resource's policy; the bearer is the principal of this one.",
    ],
    ['resource', policyOf(allow), 'Statement 1 has no Principal.'],
    ['resource', policyOf({ ...granted, Principal: 'me' }), 'Statement 1: Principal must be an object.'],
    [
      'resource',
      policyOf({ ...granted, Principal: { AWS: 'me' } }),
      'Statement 1: Principal "me" is no account, no user and not "*".',
    ],
    [
      'resource',
      policyOf({ ...granted, Principal: { AWS: 'arn:aws:iam::1:root' } }),
      'Statement 1: Principal "arn:aws:iam::1:root" is no account, no user and not "*".',
    ],
    [
      'resource',
      policyOf({ ...granted, Principal: { Robots: '*' } }),
      'Statement 1: Principal has the unknown member "Robots".',
    ],
  ] as const)('of an %s is refused: %j', (kind, document, problem) => {
    expect(compilePolicy(kind, document)).toEqual({ ok: false, problem });
  });

  it('is bounded', () => {
    const listed = (count: number) => policyOf(...Array.from({ length: count }, () => allow));
    expect(compilePolicy('identity', listed(POLICY_LIST_MAX)).ok).toBe(true);
    expect(compilePolicy('identity', listed(POLICY_LIST_MAX + 1))).toEqual({
      ok: false,
      problem: 'The policy has 257 statements; at most 256 are allowed.',
    });
    const patterns = (count: number) => policyOf({ ...allow, Resource: Array.from({ length: count }, () => '*') });
    expect(compilePolicy('identity', patterns(POLICY_LIST_MAX)).ok).toBe(true);
    expect(compilePolicy('identity', patterns(POLICY_LIST_MAX + 1))).toEqual({
      ok: false,
      problem: 'Statement 1: Resource has 257 entries; at most 256 are allowed.',
    });
    const text = JSON.stringify(policyOf(allow));
    expect(readPolicy('identity', text.padEnd(POLICY_CHARACTERS_MAX)).ok).toBe(true);
    expect(readPolicy('identity', text.padEnd(POLICY_CHARACTERS_MAX + 1))).toEqual({
      ok: false,
      problem: 'The policy has 20481 characters; at most 20480 are allowed.',
    });
  });

  it('that is no JSON is refused', () => {
    expect(readPolicy('identity', '{')).toMatchObject({
      ok: false,
      problem: expect.stringMatching(/^The policy is not JSON: /),
    });
  });
});
