import { expect, it } from '@jest/globals';
import { eventually, uniqueName } from '@tailrace/testkit';
import type { DocumentWriteOutcome } from '../contract/documents.ts';
import type { CurrentStore } from './store-conformance.ts';

function versionsOf(outcome: DocumentWriteOutcome): readonly number[] {
  if (!outcome.ok) throw new Error(`conflict at ${outcome.conflict.key}`);
  return outcome.versions;
}

export function documentsConformance(store: CurrentStore): void {
  const put = async (key: string, value: string | undefined, expected: 'any' | 'absent' | number = 'any') =>
    versionsOf(await store().documents.write([{ key, value, expected }]))[0]!;

  it('gives back what was written, and nothing where nothing was', async () => {
    const { documents } = store();
    const key = uniqueName('document');
    expect(await documents.get(key)).toBeUndefined();
    const value = JSON.stringify({ text: 'ü 😀 \u0000 "', list: [1, null] });
    const version = await put(key, value);
    expect(version).toBeGreaterThanOrEqual(1);
    expect(await documents.get(key)).toEqual({ key, value, version });
  });

  it('answers more questions at once than a connection holds commands, each its own', async () => {
    const { documents } = store();
    const base = uniqueName('document');
    const there = new Map<number, string>();
    for (const i of [0, 255, 256, 30_000, 59_999]) {
      await put(`${base}/${i}`, String(i));
      there.set(i, String(i));
    }
    const found = await Promise.all(Array.from({ length: 60_000 }, (_, i) => documents.get(`${base}/${i}`)));
    expect(new Map(found.flatMap((document, i) => (document === undefined ? [] : [[i, document.value]])))).toEqual(
      there,
    );
  });

  it('grows the version with each change, also over a deletion', async () => {
    const key = uniqueName('document');
    const versions = [await put(key, '1'), await put(key, '2')];
    await put(key, undefined);
    expect(await store().documents.get(key)).toBeUndefined();
    versions.push(await put(key, '3', 'absent'));
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    expect(await store().documents.get(key)).toEqual({ key, value: '3', version: versions[2] });
  });

  it('writes only what meets its expectation, and shows what is there', async () => {
    const { documents } = store();
    const key = uniqueName('document');
    expect(await documents.write([{ key, value: '1', expected: 7 }])).toEqual({
      ok: false,
      conflict: { key, current: undefined },
    });
    const version = await put(key, '1', 'absent');
    const current = { key, value: '1', version };
    for (const expected of ['absent', version + 1] as const) {
      expect(await documents.write([{ key, value: '2', expected }])).toEqual({ ok: false, conflict: { key, current } });
    }
    await put(key, '2', version);
    expect(await documents.write([{ key, value: undefined, expected: version }])).toMatchObject({ ok: false });
    expect((await documents.get(key))?.value).toEqual('2');
  });

  it('writes all or nothing, and names the first write whose expectation was wrong', async () => {
    const { documents } = store();
    const base = uniqueName('document');
    await put(`${base}/there`, '0');
    const outcome = await documents.write([
      { key: `${base}/a`, value: '1', expected: 'absent' },
      { key: `${base}/b`, value: '1', expected: 5 },
      { key: `${base}/there`, value: '1', expected: 'absent' },
    ]);
    expect(outcome).toEqual({ ok: false, conflict: { key: `${base}/b`, current: undefined } });
    expect((await documents.list(base)).map(({ key, value }) => [key, value])).toEqual([[`${base}/there`, '0']]);
    const versions = versionsOf(
      await documents.write([
        { key: `${base}/a`, value: '1', expected: 'absent' },
        { key: `${base}/there`, value: undefined, expected: 'any' },
        { key: `${base}/b`, value: '2', expected: 'any' },
      ]),
    );
    expect(versions).toHaveLength(3);
    expect(await documents.list(base)).toEqual([
      { key: `${base}/a`, value: '1', version: versions[0] },
      { key: `${base}/b`, value: '2', version: versions[2] },
    ]);
  });

  it('lets one of many win that expect the same version', async () => {
    const { documents } = store();
    const key = uniqueName('document');
    const version = await put(key, '0');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => documents.write([{ key, value: `${i}`, expected: version }])),
    );
    const winner = outcomes.findIndex(({ ok }) => ok);
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1);
    expect((await documents.get(key))?.value).toEqual(`${winner}`);
  });

  it('counts right when many increment it by compare-and-set', async () => {
    const { documents } = store();
    const key = uniqueName('counter');
    await put(key, '0');
    const increment = async () => {
      for (;;) {
        const { value, version } = (await documents.get(key))!;
        if ((await documents.write([{ key, value: `${Number(value) + 1}`, expected: version }])).ok) return;
      }
    };
    await Promise.all(Array.from({ length: 10 }, increment));
    expect((await documents.get(key))?.value).toEqual('10');
  });

  it('lists a prefix in the order of UTF-8 bytes', async () => {
    const { documents } = store();
    const base = uniqueName('list');
    // In UTF-16, as JavaScript compares, the last two stand the other way round.
    const names = ['', '-', '/', '/a', '/a/b', '/aa', '0', 'A', 'a', 'é', '～', '😀'];
    for (const name of names.toReversed()) await put(base + name, '1');
    await put(`${base.slice(0, -1)}`, 'shorter');
    expect((await documents.list(base)).map(({ key }) => key.slice(base.length))).toEqual(names);
    expect((await documents.list(`${base}/a`)).map(({ key }) => key.slice(base.length))).toEqual(['/a', '/a/b', '/aa']);
  });

  it('takes prefixes as they are, whatever they would mean as a pattern', async () => {
    const { documents } = store();
    const base = uniqueName('pattern');
    for (const name of ['*', '[a]', '?', '%', '_', '\\', 'a']) await put(`${base}/${name}/x`, '1');
    for (const name of ['*', '[a]', '?', '%', '_', '\\']) {
      expect((await documents.list(`${base}/${name}`)).map(({ key }) => key)).toEqual([`${base}/${name}/x`]);
    }
  });

  it('lists page by page', async () => {
    const { documents } = store();
    const base = uniqueName('pages');
    const keys = Array.from({ length: 25 }, (_, i) => `${base}/${String(i).padStart(3, '0')}`);
    versionsOf(await documents.write(keys.map((key) => ({ key, value: '{}', expected: 'absent' as const }))));
    const pages: string[][] = [];
    for (let after: string | undefined; ; after = pages.at(-1)?.at(-1)) {
      const page = await documents.list(`${base}/`, { limit: 10, ...(after === undefined ? {} : { after }) });
      if (page.length === 0) break;
      pages.push(page.map(({ key }) => key));
    }
    expect(pages).toEqual([keys.slice(0, 10), keys.slice(10, 20), keys.slice(20)]);
    expect(await documents.list(`${base}/`, { after: `${base}/0125` })).toHaveLength(12);
    expect(await documents.list(`${base}/none`)).toEqual([]);
  });

  it('takes the longest key, the largest value and the most writes', async () => {
    const { documents } = store();
    const key = uniqueName('long').padEnd(1_024, 'k');
    const value = JSON.stringify('v'.repeat(1024 * 1024 - 2));
    const version = await put(key, value);
    expect(await documents.get(key)).toEqual({ key, value, version });
    const base = uniqueName('many');
    const writes = Array.from({ length: 1_000 }, (_, i) => ({
      key: `${base}/${i}`,
      value: '1',
      expected: 'absent' as const,
    }));
    expect(versionsOf(await documents.write(writes))).toHaveLength(1_000);
    expect(await documents.list(base)).toHaveLength(1_000);
  });

  it('watch tells of every change under the prefix, and of no other', async () => {
    const { documents } = store();
    const base = uniqueName('watch');
    const heard: (string | undefined)[] = [];
    const stop = await documents.watch(`${base}/`, (key) => heard.push(key));
    await put(`${base}/a`, '1');
    await put(`${base}x`, '1');
    versionsOf(
      await documents.write([
        { key: `${base}/b`, value: '1', expected: 'any' },
        { key: `${base}/c`, value: '1', expected: 'any' },
      ]),
    );
    await put(`${base}/a`, undefined);
    await eventually(() => expect(heard.filter((key) => key === `${base}/a`).length).toBeGreaterThanOrEqual(2));
    expect([...new Set(heard)].sort()).toEqual([`${base}/a`, `${base}/b`, `${base}/c`]);
    stop();
  });

  it('watch tells nothing of a write that was refused, and nothing once it has ended', async () => {
    const { documents } = store();
    const base = uniqueName('watch');
    const ended: (string | undefined)[] = [];
    const heard: (string | undefined)[] = [];
    const stopEnded = await documents.watch(base, (key) => ended.push(key));
    const stop = await documents.watch(base, (key) => heard.push(key));
    stopEnded();
    expect(await documents.write([{ key: `${base}/refused`, value: '1', expected: 3 }])).toMatchObject({ ok: false });
    await put(`${base}/written`, '1');
    await eventually(() => expect(heard).toContain(`${base}/written`));
    expect(heard).not.toContain(`${base}/refused`);
    expect(ended).toEqual([]);
    stop();
  });

  it('what a watcher is told of can be read', async () => {
    const { documents } = store();
    const key = uniqueName('watch');
    let seen: string | undefined;
    const stop = await documents.watch(key, () => {
      void documents.get(key).then((document) => (seen = document?.value));
    });
    await put(key, '"new"');
    await eventually(() => expect(seen).toEqual('"new"'));
    stop();
  });
}
