import { base64, bytes, type Client, type PlainRecord, type ReadRecord } from '../client.ts';
import { program } from '../program.ts';

const KCAT = 'kcat';
/** Separators that no record of a run holds. */
const RECORD_END = '<~end-of-record~>';
const KEY_END = '<~end-of-key~>';
/** kcat prints `key length, value length, partition, headers`, a line feed, then key and value as they are. */
const FORMAT = '%K %S %p %h\n%k%s\n';

export const kcat: Client = {
  name: 'kcat',
  door: 'kafka',
  // Any bytes but the separators; a value must not be empty, which kcat takes for a missing one.
  binary: true,
  async write({ kafka }, stream, records) {
    for (const [header, group] of byHeaders(records)) {
      const input = Buffer.concat(
        group.flatMap(({ key, value }) => [bytes(key), Buffer.from(KEY_END), bytes(value), Buffer.from(RECORD_END)]),
      );
      await program(
        KCAT,
        [
          '-P',
          '-b',
          kafka,
          '-t',
          stream,
          '-K',
          KEY_END,
          '-D',
          RECORD_END,
          '-X',
          'acks=all',
          ...header.flatMap((one) => ['-H', one]),
        ],
        { input },
      );
    }
  },
  async readAll({ kafka }, stream) {
    const printed = await program(KCAT, ['-C', '-q', '-e', '-b', kafka, '-t', stream, '-o', 'beginning', '-f', FORMAT]);
    const read: ReadRecord[] = [];
    for (let at = 0; at < printed.length;) {
      const lineEnd = printed.indexOf(10, at);
      const [keyLength, valueLength, partition, ...headerWords] = printed.toString('latin1', at, lineEnd).split(' ');
      const keyStart = lineEnd + 1;
      const valueStart = keyStart + Math.max(0, Number(keyLength));
      const valueEnd = valueStart + Math.max(0, Number(valueLength));
      read.push({
        key: base64(printed.subarray(keyStart, valueStart)),
        value: base64(printed.subarray(valueStart, valueEnd)),
        place: partition as string,
        headers: parseHeaders(Buffer.from(headerWords.join(' '), 'latin1').toString('utf8')),
      });
      at = valueEnd + 1;
    }
    return read;
  },
};

/** kcat sets the same headers on all records of a call. Runs of records with equal headers keep their order. */
function byHeaders(records: readonly PlainRecord[]): [string[], PlainRecord[]][] {
  const runs: [string[], PlainRecord[]][] = [];
  let current = '';
  for (const record of records) {
    const header = Object.entries(record.headers ?? {}).map(
      ([name, value]) => `${name}=${bytes(value).toString('utf8')}`,
    );
    if (runs.length === 0 || header.join('\n') !== current) runs.push([header, []]);
    current = header.join('\n');
    runs.at(-1)?.[1].push(record);
  }
  return runs;
}

function parseHeaders(text: string): Record<string, string> {
  if (text === '') return {};
  return Object.fromEntries(
    text.split(',').map((pair) => {
      const equals = pair.indexOf('=');
      return [pair.slice(0, equals), base64(Buffer.from(pair.slice(equals + 1), 'utf8'))];
    }),
  );
}
