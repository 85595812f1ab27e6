import { describe, expect, it } from '@jest/globals';
import type { Stream } from '@tailrace/shard-core';
import { eventually } from '@tailrace/testkit';
import { REGEXES_MAX, SubscribableTopics } from './subscribable-topics.ts';

function topicsOf(names: string[]) {
  const listeners = new Set<() => void>();
  const topics = new SubscribableTopics({
    names: () => names,
    peek: (name) =>
      names.includes(name) ? ({ id: `id-${name}`, partitions: [1, 2] } as unknown as Stream) : undefined,
    peekById: (id) => ({ name: id.slice(3) }) as Stream,
    onChange(listener) {
      listeners.add(listener as () => void);
      return () => listeners.delete(listener as () => void);
    },
  });
  return { topics, changed: () => listeners.forEach((listener) => listener()), listeners };
}

describe('SubscribableTopics', () => {
  it('knows topics by name and by expression', async () => {
    const { topics } = topicsOf(['orders-1', 'orders-2', 'other']);
    expect(topics.find('other')).toEqual({ name: 'other', topicId: 'id-other', partitionCount: 2 });
    expect([topics.find('none'), topics.nameOf('id-x')]).toEqual([undefined, 'x']);
    expect(await topics.prepare('orders-.*')).toBeUndefined();
    expect(topics.matching('orders-.*')).toEqual(['orders-1', 'orders-2']);
    expect(await topics.prepare('[')).toMatch(/missing closing/);
  });

  it('has another version when a topic has come, and matches anew', async () => {
    const names = ['orders-1'];
    const { topics, changed } = topicsOf(names);
    await topics.prepare('orders-.*');
    const { version } = topics;
    names.push('orders-2');
    changed();
    expect(topics.version).toBeGreaterThan(version);
    expect(topics.matching('orders-.*')).toEqual(['orders-1', 'orders-2']);
  });

  it('lets others work while it matches many names, and is not known before it is done', async () => {
    // A million names take about a second.
    const { topics } = topicsOf(Array.from({ length: 1_000_000 }, (_, i) => `n${i}`));
    await topics.prepare('n[0-9]*7');
    expect(topics.matching('n[0-9]*7')).toBeUndefined();
    const { version } = topics;
    let turns = 0;
    const turning = setInterval(() => (turns += 1), 1);
    await eventually(() => expect(topics.matching('n[0-9]*7')?.length).toBe(100_000), { timeoutMs: 60_000 });
    clearInterval(turning);
    expect(turns).toBeGreaterThan(10);
    expect(topics.version).toBeGreaterThan(version);
  });

  it('keeps so many expressions, and takes up again one that it has forgotten', async () => {
    const { topics } = topicsOf(['t0', 't1']);
    for (let i = 0; i <= REGEXES_MAX; i++) await topics.prepare(`t${i}`);
    expect(topics.matching('t1')).toEqual(['t1']);
    expect(topics.matching('t0')).toBeUndefined();
    await eventually(() => expect(topics.matching('t0')).toEqual(['t0']));
  });

  it('listens no longer once it is closed', () => {
    const { topics, listeners } = topicsOf([]);
    expect(listeners.size).toBe(1);
    topics.close();
    expect(listeners.size).toBe(0);
  });
});
