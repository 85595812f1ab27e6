import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '@tailrace/testkit';
import { StoreUnavailable } from '../contract/refusal.ts';
import { ReshardKeeper } from './reshard-keeper.ts';
import type { Stream } from './stream.ts';

const DONE = { isResharding: false } as Stream;
const HELD_BY_ANOTHER = { isResharding: true } as Stream;

function keeper(complete: (name: string, run: number) => Promise<Stream | undefined>) {
  const runs: string[] = [];
  const made = new ReshardKeeper((name) => {
    runs.push(name);
    return complete(name, runs.length);
  });
  return { keeper: made, runs };
}

describe('the keeper of reshards', () => {
  it('looks after a stream of which nothing more is heard, and not after one that is settled', async () => {
    const { keeper: made, runs } = keeper(() => Promise.resolve(DONE));
    made.saw('stalled', 5);
    made.saw('settled', 5);
    made.saw('moving', 5);
    made.settled('settled');
    made.saw('moving', 60_000);
    await eventually(() => expect(runs).toEqual(['stalled']));
    await sleep(20);
    expect(runs).toEqual(['stalled']);
    await made.close();
  });

  it('runs once at a time for each stream, for all that ask', async () => {
    const { keeper: made, runs } = keeper(async () => (await sleep(10), DONE));
    const answers = await Promise.all([made.finish('a'), made.finish('a'), made.finish('b')]);
    expect([answers, runs]).toEqual([
      [DONE, DONE, DONE],
      ['a', 'b'],
    ]);
    await made.finish('a');
    expect(runs).toEqual(['a', 'b', 'a']);
  });

  it('comes back when another process was at it, and when the store was away', async () => {
    const { keeper: made, runs } = keeper((_, run) => {
      if (run === 1) return Promise.resolve(HELD_BY_ANOTHER);
      return run === 2 ? Promise.reject(new StoreUnavailable('away')) : Promise.resolve(DONE);
    });
    made.inBackground('a');
    await eventually(() => expect(runs.length).toBe(3), { timeoutMs: 10_000 });
    await made.close();
  });

  it('begins nothing after it was closed, and waits for what runs', async () => {
    let stopped = false;
    const made = new ReshardKeeper(async (_, signal) => {
      while (!signal.aborted) await sleep(1);
      stopped = true;
      return DONE;
    });
    made.inBackground('a');
    await made.close();
    expect(stopped).toBe(true);
    stopped = false;
    made.inBackground('b');
    made.saw('c', 1);
    await sleep(10);
    expect(stopped).toBe(false);
  });
});
