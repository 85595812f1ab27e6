import { describe, expect, it } from '@jest/globals';
import { handlers } from '../../handlers/index.ts';
import { accessRules, accessRulesByKey } from './index.ts';

describe('the table of access rules', () => {
  it('has one for every operation that is offered', () => {
    const without = handlers.filter(({ api }) => accessRulesByKey[api.key] === undefined).map(({ api }) => api.name);
    expect(without).toEqual([]);
  });

  it('has each once, at its key', () => {
    expect(new Set(accessRules.map(({ api }) => api.key)).size).toBe(accessRules.length);
    for (const rule of accessRules) expect(accessRulesByKey[rule.api.key]).toBe(rule);
  });
});
