import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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

  it('stands in the documentation as it is', () => {
    const path = join(import.meta.dirname, '../../../../../docs/security.md');
    const [, written] = readFileSync(path, 'utf8').split(/<!-- \/?needs -->/);
    const rows = accessRules.map(({ api, needs }) => `| ${api.key} | ${api.name} | ${needs} |`);
    expect(written?.trim().split('\n')).toEqual(['| Key | Operation | Needs |', '|---|---|---|', ...rows]);
  });
});
