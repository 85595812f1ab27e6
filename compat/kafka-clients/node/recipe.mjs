// The records that every client writes and reads. The same rule stands in each language; change all of them or none.
import { isDeepStrictEqual } from 'node:util';

export const COUNT = 1000;
const KEYS = 37;

/** Record `i`: 37 keys in turn, values of any bytes, every hundredth a null, two headers. */
export function record(i) {
  const value =
    i % 100 === 99 ? null : Buffer.from(Array.from({ length: 1 + ((i * 7) % 300) }, (_, j) => i * 31 + j * 17));
  return {
    key: Buffer.from(`key-${i % KEYS}`),
    value,
    headers: { n: Buffer.from(String(i)), raw: Buffer.from([0xff, 0, i]) },
  };
}

/** Throws unless `records` are those of `wanted` (indices; all of them by default), in order key by key. */
export function verify(records, { wanted = Array.from({ length: COUNT }, (_, i) => i), headers = true } = {}) {
  if (records.length !== wanted.length) throw new Error(`${records.length} records instead of ${wanted.length}`);
  const shown = ({ key, value, headers: found }) => [
    value === null || value === undefined ? null : Buffer.from(value).toString('hex'),
    headers
      ? Object.entries(found)
          .map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')])
          .sort()
      : [],
  ];
  const byKey = (list) => {
    const groups = {};
    for (const one of list) (groups[Buffer.from(one.key).toString()] ??= []).push(shown(one));
    return groups;
  };
  const [expected, found] = [byKey(wanted.map(record)), byKey(records)];
  for (const key of Object.keys({ ...expected, ...found }))
    if (!isDeepStrictEqual(expected[key], found[key])) throw new Error(`${key}: other records, or in another order`);
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `done()` is true; throws after `patienceMs`. */
export async function until(what, done, patienceMs = 60_000) {
  for (const begin = Date.now(); !(await done()); await sleep(50))
    if (Date.now() - begin > patienceMs) throw new Error(`${what}: not within ${patienceMs} ms`);
}

export function same(what, found, expected) {
  if (!isDeepStrictEqual(found, expected))
    throw new Error(`${what}: ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`);
}

/** Runs the step that the command line names: `STEP BOOTSTRAP TOPIC GROUP`. A step that is not there ends with 3. */
export async function main(steps) {
  const [step, ...rest] = process.argv.slice(2);
  if (steps[step] === undefined) process.exit(3);
  try {
    await steps[step](...rest);
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
  process.exit(0);
}
