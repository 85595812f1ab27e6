import { describe, expect, it } from '@jest/globals';
import { eventually } from '@tailrace/testkit';
import type { Documents } from '../contract/documents.ts';
import { KeyUse } from './key-use.ts';

describe('the count of what a key has sealed', () => {
  it('is written once where the store was slow for longer than from one write to the next', async () => {
    let stored: { key: string; value: string; version: number } | undefined;
    let open = () => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    let asked = 0;
    const documents = {
      get: async () => {
        // The first look is that of the start.
        if (++asked > 1) await gate;
        return stored;
      },
      write: async ([{ key, value, expected }]: [{ key: string; value: string; expected: unknown }]) => {
        if (expected !== (stored?.version ?? 'absent')) return { ok: false, conflict: { key, current: stored } };
        stored = { key, value, version: (stored?.version ?? 0) + 1 };
        return { ok: true, versions: [stored.version] };
      },
    } as unknown as Documents;
    const failed: unknown[] = [];
    const use = await KeyUse.open(documents, ['k'], {
      onWorn: () => {},
      onError: (error) => failed.push(error),
      intervalMs: 1,
    });
    use.count('k');
    await eventually(() => expect(asked).toBe(2), { intervalMs: 1 });
    use.count('k');
    await new Promise((resolve) => setTimeout(resolve, 20));
    open();
    await use.close();
    expect({ stored: stored?.value, failed }).toEqual({ stored: '{"seals":2}', failed: [] });
  });
});
