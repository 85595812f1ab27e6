import { describe, expect, it } from '@jest/globals';
import { accessDenied } from './access-denied.ts';
import { type Decision, type Denial, evaluate } from './evaluate.ts';
import { compilePolicy, type Policy, type PolicyKind, type PolicyStatement } from './policy.ts';
import { userArn } from './principal.ts';

const own = '111122223333';
const other = '444455556666';
const alice = { account: own, arn: userArn(own, 'alice') };
const orders = `arn:aws:kinesis:eu-west-1:${own}:stream/orders-eu`;
const foreign = `arn:aws:kinesis:eu-west-1:${other}:stream/orders-eu`;

function policy(kind: PolicyKind, ...Statement: PolicyStatement[]): Policy {
  const read = compilePolicy(kind, { Version: '2012-10-17', Statement });
  if (!read.ok) throw new Error(read.problem);
  return read.policy;
}

const may = (Action: string | string[], Resource: string | string[] = '*'): PolicyStatement => ({
  Effect: 'Allow',
  Action,
  Resource,
});
const mayNot = (Action: string, Resource = '*'): PolicyStatement => ({ Effect: 'Deny', Action, Resource });
const for_ = (principal: string, statement: PolicyStatement): PolicyStatement => ({
  ...statement,
  Principal: principal === '*' ? '*' : { AWS: principal },
});

function ask(
  identity: readonly PolicyStatement[],
  resource: readonly PolicyStatement[] = [],
  { action = 'kinesis:PutRecord', on = orders }: { readonly action?: string; readonly on?: string } = {},
): Decision {
  return evaluate({
    principal: alice,
    action,
    resource: on,
    resourceAccount: on.split(':')[4] ?? own,
    identityPolicies: identity.length === 0 ? [] : [policy('identity', ...identity)],
    resourcePolicy: resource.length === 0 ? undefined : policy('resource', ...resource),
  });
}

const yes: Decision = { allowed: true };
const no = (why: Denial): Decision => ({ allowed: false, why });

describe("an identity's policy", () => {
  it.each<[string, readonly PolicyStatement[], Decision]>([
    ['none at all', [], no('noIdentityAllow')],
    ['everything', [may('*')], yes],
    ['the operation', [may('kinesis:PutRecord')], yes],
    ['the operation in other letters', [may('KINESIS:putrecord')], yes],
    ['another operation', [may('kinesis:PutRecords')], no('noIdentityAllow')],
    ['operations by wildcard', [may('kinesis:Put*')], yes],
    ['operations by a wildcard of one', [may('kinesis:PutRecor?')], yes],
    ['operations of another service', [may('sqs:*')], no('noIdentityAllow')],
    ['one of several', [may(['kinesis:GetRecords', 'kinesis:PutRecord'])], yes],
    ['the stream', [may('kinesis:*', orders)], yes],
    ['streams by wildcard', [may('kinesis:*', 'arn:aws:kinesis:*:*:stream/orders*')], yes],
    ['other streams', [may('kinesis:*', 'arn:aws:kinesis:*:*:stream/invoices*')], no('noIdentityAllow')],
    ['another region', [may('kinesis:*', 'arn:aws:kinesis:us-east-1:*:stream/*')], no('noIdentityAllow')],
    [
      'streams are written in one case only',
      [may('kinesis:*', orders.toUpperCase().replace('ARN:', 'arn:'))],
      no('noIdentityAllow'),
    ],
    ['a deny before', [mayNot('kinesis:Put*'), may('*')], no('explicitIdentityDeny')],
    ['a deny behind', [may('*'), mayNot('kinesis:Put*')], no('explicitIdentityDeny')],
    ['a deny of another operation', [may('*'), mayNot('kinesis:Delete*')], yes],
    ['a deny of another stream', [may('*'), mayNot('*', foreign)], yes],
    ['all but another operation', [{ Effect: 'Allow', NotAction: 'kinesis:GetRecords', Resource: '*' }], yes],
    ['all but this operation', [{ Effect: 'Allow', NotAction: 'kinesis:Put*', Resource: '*' }], no('noIdentityAllow')],
    ['all but this stream', [{ Effect: 'Allow', Action: '*', NotResource: orders }], no('noIdentityAllow')],
    ['a deny of all but this stream', [may('*'), { Effect: 'Deny', Action: '*', NotResource: orders }], yes],
  ])('decides: %s', (_what, statements, decision) => {
    expect(ask(statements)).toEqual(decision);
  });

  it('is asked for every stream at once with a star, which an ARN does not cover', () => {
    const options = { action: 'kinesis:ListStreams', on: '*' };
    expect(ask([may('kinesis:*', 'arn:aws:kinesis:*:*:stream/*')], [], options)).toEqual(no('noIdentityAllow'));
    expect(ask([may('kinesis:List*')], [], options)).toEqual(yes);
  });

  it('may be one of several: each adds, and each can deny', () => {
    const question = { principal: alice, action: 'kinesis:PutRecord', resource: orders, resourceAccount: own };
    const policies = [policy('identity', may('kinesis:Get*')), policy('identity', may('kinesis:Put*'))];
    expect(evaluate({ ...question, identityPolicies: policies })).toEqual(yes);
    expect(evaluate({ ...question, identityPolicies: [...policies, policy('identity', mayNot('*'))] })).toEqual(
      no('explicitIdentityDeny'),
    );
  });
});

describe("a resource's policy within the account", () => {
  it.each<[string, readonly PolicyStatement[], readonly PolicyStatement[], Decision]>([
    ['names the user', [], [for_(alice.arn, may('kinesis:Put*'))], yes],
    ['names everybody', [], [for_('*', may('kinesis:Put*', orders))], yes],
    ['names another user', [], [for_(userArn(own, 'bob'), may('*'))], no('noIdentityAllow')],
    ["names another account's user of that name", [], [for_(userArn(other, 'alice'), may('*'))], no('noIdentityAllow')],
    ['names the account, which allows nothing by itself', [], [for_(own, may('*'))], no('noIdentityAllow')],
    ['names the account by its root', [], [for_(`arn:aws:iam::${own}:root`, may('*'))], no('noIdentityAllow')],
    ['names the account, and the identity may', [may('*')], [for_(own, may('*'))], yes],
    ['allows another operation', [], [for_('*', may('kinesis:GetRecords'))], no('noIdentityAllow')],
    ['allows another stream', [], [for_('*', may('*', foreign))], no('noIdentityAllow')],
    ['is silent, and the identity may', [may('*')], [for_(userArn(own, 'bob'), may('*'))], yes],
    ['denies the user', [may('*')], [for_(alice.arn, mayNot('*'))], no('explicitResourceDeny')],
    ['denies the account', [may('*')], [for_(own, mayNot('*'))], no('explicitResourceDeny')],
    ['denies everybody', [may('*')], [for_('*', mayNot('kinesis:Put*'))], no('explicitResourceDeny')],
    ['denies another user', [may('*')], [for_(userArn(own, 'bob'), mayNot('*'))], yes],
    ['allows and denies', [], [for_('*', may('*')), for_(alice.arn, mayNot('*'))], no('explicitResourceDeny')],
    ['allows what the identity may not', [mayNot('*')], [for_(alice.arn, may('*'))], no('explicitIdentityDeny')],
    ['names a service', [], [{ ...may('*'), Principal: { Service: 'lambda.amazonaws.com' } }], no('noIdentityAllow')],
  ])('%s', (_what, identity, resource, decision) => {
    expect(ask(identity, resource)).toEqual(decision);
  });
});

describe("another account's resource", () => {
  it.each<[string, readonly PolicyStatement[], readonly PolicyStatement[], Decision]>([
    ['without any policy', [], [], no('noResourceAllow')],
    ['when only the identity may', [may('*')], [], no('noResourceAllow')],
    ['when only the resource allows', [], [for_(alice.arn, may('*'))], no('noIdentityAllow')],
    ['when both allow, by user', [may('*')], [for_(alice.arn, may('*'))], yes],
    ['when both allow, by account', [may('*')], [for_(own, may('*'))], yes],
    ['when both allow, by everybody', [may('*')], [for_('*', may('*'))], yes],
    ['when it allows its own account only', [may('*')], [for_(other, may('*'))], no('noResourceAllow')],
    [
      'when the identity may only use its own',
      [may('*', `arn:aws:kinesis:*:${own}:*`)],
      [for_(own, may('*'))],
      no('noIdentityAllow'),
    ],
    ['when the identity is denied', [may('*'), mayNot('*')], [for_('*', may('*'))], no('explicitIdentityDeny')],
    ['when the resource denies', [may('*')], [for_('*', may('*')), for_(own, mayNot('*'))], no('explicitResourceDeny')],
  ])('%s', (_what, identity, resource, decision) => {
    expect(ask(identity, resource, { on: foreign })).toEqual(decision);
  });
});

describe('a denial is told in the words of the service', () => {
  const start = `User: ${alice.arn} is not authorized to perform: kinesis:PutRecord on resource: ${orders}`;
  it.each<[Denial, string]>([
    ['explicitIdentityDeny', 'with an explicit deny in an identity-based policy'],
    ['explicitResourceDeny', 'with an explicit deny in a resource-based policy'],
    ['noResourceAllow', 'because no resource-based policy allows the kinesis:PutRecord action'],
    ['noIdentityAllow', 'because no identity-based policy allows the kinesis:PutRecord action'],
  ])('%s', (why, end) => {
    expect(accessDenied({ principal: alice, action: 'kinesis:PutRecord', resource: orders }, why)).toEqual({
      ok: false,
      type: 'AccessDeniedException',
      message: `${start} ${end}`,
    });
  });
});
