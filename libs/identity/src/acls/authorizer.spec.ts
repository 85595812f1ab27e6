import { describe, expect, it } from '@jest/globals';
import { Authorizer } from './authorizer.ts';
import type { Acls } from './acls.ts';

const subject = { principal: 'User:ada', host: '10.0.0.1' };
const acls = (isIncomplete: boolean) =>
  ({ size: 0, isIncomplete, index: { judge: () => 'noEntries', judgeAny: () => 'noEntries' } }) as unknown as Acls;

describe('an authorizer', () => {
  it.each([
    [false, true],
    [true, false],
  ])('where an entry is unreadable (%s), lets others do what no entry is about: %s', (isIncomplete, isAllowed) => {
    const authorizer = new Authorizer(acls(isIncomplete), { mode: 'open' });
    expect(authorizer.enforces).toBe(isIncomplete);
    expect(authorizer.allows(subject, 'READ', 'TOPIC', 't')).toBe(isAllowed);
    expect(authorizer.allowsAny(subject, 'READ', 'TOPIC')).toBe(isAllowed);
    expect(authorizer.allowedOperations(subject, 'GROUP', 'g')).toHaveLength(isAllowed ? 5 : 0);
  });

  it('lets super users do everything all the same', () => {
    const authorizer = new Authorizer(acls(true), { mode: 'strict', superUsers: [subject.principal] });
    expect(authorizer.allows(subject, 'ALTER', 'CLUSTER', 'kafka-cluster')).toBe(true);
  });

  it('looks at nothing where there are no lists', () => {
    expect(new Authorizer(acls(true), { mode: 'off' }).allows(subject, 'READ', 'TOPIC', 't')).toBe(true);
  });
});
