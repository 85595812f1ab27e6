import { describe, expect, it, jest } from '@jest/globals';
import { StoreUnavailable, type Stream } from '@tailrace/shard-core';
import { createLogger } from '@tailrace/telemetry';
import { eventually } from '@tailrace/testkit';
import { OffsetSweeper } from './offset-sweeper.ts';

type Sweep = (retentionMs: number, topicIdOf: (name: string) => Promise<string | undefined>) => Promise<number>;

function sweeperOn(sweep: Sweep, intervalMs = 5) {
  const refresh = jest.fn(async (name: string) => (name === 'far' ? ({ id: 'id-far' } as Stream) : undefined));
  const catalog = {
    peek: (name: string) => (name === 'near' ? ({ id: 'id-near' } as Stream) : undefined),
    refresh,
    onChange: () => () => undefined,
  };
  const logger = createLogger({ level: 'silent' });
  return { sweeper: new OffsetSweeper({ groups: { sweep }, catalog, retentionMs: 7, intervalMs, logger }), refresh };
}

describe('OffsetSweeper', () => {
  it('looks again and again, also after a failure, until it is closed', async () => {
    let looks = 0;
    const { sweeper } = sweeperOn(async (retentionMs) => {
      expect(retentionMs).toBe(7);
      looks += 1;
      if (looks % 2 === 1) throw new StoreUnavailable('away');
      return 0;
    });
    await eventually(() => expect(looks).toBeGreaterThan(4));
    sweeper.close();
    const { length } = Array.from({ length: looks });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(looks - length).toBeLessThanOrEqual(1);
  });

  it('asks the store once for each topic that is not known here', async () => {
    const ids: (string | undefined)[] = [];
    const { sweeper, refresh } = sweeperOn(async (_, topicIdOf) => {
      for (const name of ['near', 'far', 'gone', 'gone', 'far']) ids.push(await topicIdOf(name));
      sweeper.close();
      return 0;
    });
    await eventually(() => expect(ids).toEqual(['id-near', 'id-far', undefined, undefined, 'id-far']));
    expect(refresh.mock.calls).toEqual([['far'], ['gone']]);
  });
});
