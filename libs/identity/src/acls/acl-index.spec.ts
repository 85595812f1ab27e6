import { describe, expect, it } from '@jest/globals';
import { type Acl, ANONYMOUS, EVERYBODY, type Operation } from './acl.ts';
import { AclIndex } from './acl-index.ts';

const alice = { principal: 'User:alice', host: '10.0.0.1' };

function acl(text: string): Acl {
  const [permission, principal, operation, name, host = '*'] = text.split(' ') as [
    Acl['permission'],
    string,
    Acl['operation'],
    string,
    string?,
  ];
  const isPrefix = name.length > 1 && name.endsWith('*');
  return {
    resourceType: 'TOPIC',
    resourceName: isPrefix ? name.slice(0, -1) : name,
    patternType: isPrefix ? 'PREFIXED' : 'LITERAL',
    principal: principal === '*' ? EVERYBODY : `User:${principal}`,
    host,
    operation,
    permission,
  };
}

const judge = (entries: readonly string[], operation: Operation, name = 'orders', subject = alice) =>
  new AclIndex(entries.map(acl)).judge(subject, operation, 'TOPIC', name);

describe('access control entries', () => {
  it.each([
    [[], 'READ', 'noEntries'],
    [['ALLOW alice READ other'], 'READ', 'noEntries'],
    [['ALLOW alice READ orders'], 'READ', 'allowed'],
    [['ALLOW alice READ orders'], 'WRITE', 'notNamed'],
    [['ALLOW bob READ orders'], 'READ', 'notNamed'],
    [['ALLOW * READ orders'], 'READ', 'allowed'],
    [['ALLOW alice ALL orders'], 'ALTER_CONFIGS', 'allowed'],
    [['ALLOW alice READ *'], 'READ', 'allowed'],
    [['ALLOW alice READ ord*'], 'READ', 'allowed'],
    [['ALLOW alice READ orders*'], 'READ', 'allowed'],
    [['ALLOW alice READ orders-*'], 'READ', 'noEntries'],
    [['ALLOW alice READ orders 10.0.0.2'], 'READ', 'notNamed'],
    [['ALLOW alice READ orders 10.0.0.1'], 'READ', 'allowed'],
    [['ALLOW alice READ orders', 'DENY alice READ orders'], 'READ', 'denied'],
    [['ALLOW alice READ orders', 'DENY * ALL o*'], 'READ', 'denied'],
    [['ALLOW alice READ orders', 'DENY * READ *'], 'READ', 'denied'],
    [['ALLOW alice READ orders', 'DENY bob READ orders'], 'READ', 'allowed'],
    [['DENY alice WRITE orders'], 'READ', 'notNamed'],
  ] as [string[], Operation, string][])('%p: %s is %s', (entries, operation, verdict) => {
    expect(judge(entries, operation)).toBe(verdict);
  });

  it.each(['READ', 'WRITE', 'DELETE', 'ALTER'])('whoever may %s may DESCRIBE', (operation) => {
    expect(judge([`ALLOW alice ${operation} orders`], 'DESCRIBE')).toBe('allowed');
    // Only an ALLOW implies: who is denied the one may still be allowed the other.
    expect(judge([`DENY alice ${operation} orders`, 'ALLOW alice DESCRIBE orders'], 'DESCRIBE')).toBe('allowed');
  });

  it('whoever may ALTER_CONFIGS may DESCRIBE_CONFIGS, and nobody else for that', () => {
    expect(judge(['ALLOW alice ALTER_CONFIGS orders'], 'DESCRIBE_CONFIGS')).toBe('allowed');
    expect(judge(['ALLOW alice READ orders'], 'DESCRIBE_CONFIGS')).toBe('notNamed');
    expect(judge(['ALLOW alice CREATE orders'], 'DESCRIBE')).toBe('notNamed');
  });

  it('a DENY for everybody binds who has shown nothing', () => {
    expect(judge(['DENY * READ orders'], 'READ', 'orders', { principal: ANONYMOUS, host: '::1' })).toBe('denied');
  });

  it.each([
    [[], 'noEntries'],
    [['ALLOW alice WRITE orders'], 'allowed'],
    [['ALLOW alice READ orders'], 'noEntries'],
    [['ALLOW alice WRITE ord*'], 'allowed'],
    [['ALLOW alice WRITE *'], 'allowed'],
    [['ALLOW alice WRITE orders', 'DENY alice WRITE orders'], 'noEntries'],
    [['ALLOW alice WRITE orders', 'DENY alice ALL ord*'], 'noEntries'],
    [['ALLOW alice WRITE ord*', 'DENY alice ALL orders'], 'allowed'],
    [['ALLOW alice WRITE ord*', 'DENY alice ALL o*'], 'noEntries'],
    [['ALLOW alice WRITE *', 'DENY alice ALL o*'], 'allowed'],
    [['ALLOW alice WRITE orders', 'DENY * WRITE *'], 'denied'],
  ] as [string[], string][])('%p: some topic may be written: %s', (entries, verdict) => {
    expect(new AclIndex(entries.map(acl)).judgeAny(alice, 'WRITE', 'TOPIC')).toBe(verdict);
  });

  it('says what a slow reading of all entries says', () => {
    let seed = 11;
    const pick = <T>(list: readonly T[]): T => list[(seed = (seed * 1103515245 + 12345) % 2 ** 31) % list.length] as T;
    const names = ['a', 'ab', 'abc', 'b', '*', 'a*', 'ab*', 'b*'];
    for (let round = 0; round < 400; round++) {
      const acls = Array.from({ length: 1 + (round % 6) }, () =>
        acl(
          `${pick(['ALLOW', 'ALLOW', 'DENY'])} ${pick(['alice', 'bob', '*'])} ${pick(['READ', 'WRITE', 'ALL', 'ALTER'])} ${pick(names)} ${pick(['*', '10.0.0.1', '10.0.0.2'])}`,
        ),
      );
      for (const operation of ['READ', 'DESCRIBE'] as const) {
        for (const name of ['a', 'ab', 'abcd', 'b', 'c']) {
          const about = acls.filter(({ patternType, resourceName }) =>
            patternType === 'PREFIXED' ? name.startsWith(resourceName) : resourceName === name || resourceName === '*',
          );
          const mine = about.filter(
            ({ principal, host }) => ['User:alice', 'User:*'].includes(principal) && ['*', '10.0.0.1'].includes(host),
          );
          const denies = mine.some((one) => one.permission === 'DENY' && [operation, 'ALL'].includes(one.operation));
          const enough = operation === 'DESCRIBE' ? ['DESCRIBE', 'READ', 'WRITE', 'ALTER', 'ALL'] : ['READ', 'ALL'];
          const allows = mine.some((one) => one.permission === 'ALLOW' && enough.includes(one.operation));
          const expected = denies ? 'denied' : allows ? 'allowed' : about.length > 0 ? 'notNamed' : 'noEntries';
          expect(new AclIndex(acls).judge(alice, operation, 'TOPIC', name)).toBe(expected);
        }
      }
    }
  });
});
