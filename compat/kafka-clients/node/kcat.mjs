// kcat, called as from a shell
import { spawn } from 'node:child_process';
import { COUNT, main, record, same, sleep, verify } from './recipe.mjs';

// Separators that no record holds.
const RECORD_END = '<~end-of-record~>';
const KEY_END = '<~end-of-key~>';
// Key length, value length (-1 for a null), partition, then key and value as they are.
const FORMAT = '%K %S %p\n%k%s\n';

function kcat(args, input = '', patienceMs = 60_000) {
  return new Promise((resolve, reject) => {
    const child = spawn('kcat', args, { timeout: patienceMs });
    const [out, errors] = [[], []];
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => errors.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0
        ? resolve(Buffer.concat(out))
        : reject(new Error(`kcat ${args.join(' ')} ended with ${code}: ${Buffer.concat(errors)}`)),
    );
    // One that only lists does not read its input.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

async function produce(bootstrap, topic) {
  for (const [index, codec] of ['none', 'gzip', 'snappy', 'lz4'].entries()) {
    const input = Array.from({ length: 250 }, (_, i) => record(index * 250 + i)).flatMap(({ key, value }) => [
      key,
      Buffer.from(KEY_END),
      value ?? Buffer.alloc(0),
      Buffer.from(RECORD_END),
    ]);
    // -Z: an empty value is a null. It sets the same headers on all records of a call, so there are none.
    await kcat(
      ['-P', '-Z', '-b', bootstrap, '-t', topic, '-K', KEY_END, '-D', RECORD_END, '-z', codec],
      Buffer.concat(input),
    );
  }
}

function parse(printed) {
  const records = [];
  for (let at = 0; at < printed.length;) {
    const lineEnd = printed.indexOf(10, at);
    const [keyLength, valueLength] = printed.toString('latin1', at, lineEnd).split(' ').map(Number);
    const valueStart = lineEnd + 1 + keyLength;
    const valueEnd = valueStart + Math.max(0, valueLength);
    const value = valueLength < 0 ? null : printed.subarray(valueStart, valueEnd);
    records.push({ key: printed.subarray(lineEnd + 1, valueStart), value });
    // A null is printed as nothing.
    at = valueEnd + 1;
  }
  return records;
}

async function group(bootstrap, topic, groupId) {
  const args = ['-G', groupId, '-b', bootstrap, '-q', '-e', '-u', '-X', 'auto.offset.reset=earliest', '-f', FORMAT];
  verify(parse(await kcat([...args, topic])), { headers: false });
  // What the group has committed is not read again.
  await sleep(500);
  same('read again', (await kcat([...args, topic])).length, 0);
  const all = parse(await kcat(['-C', '-q', '-e', '-b', bootstrap, '-t', topic, '-o', 'beginning', '-f', FORMAT]));
  same('read without a group', all.length, COUNT);
}

async function administer(bootstrap, topic) {
  // It lists, and looks up offsets by time; a topic comes into being by asking for it.
  await kcat(['-P', '-b', bootstrap, '-t', topic, '-p', '0'], 'first\nsecond\n');
  const { topics, brokers } = JSON.parse(await kcat(['-L', '-J', '-b', bootstrap]));
  same('cluster', brokers.length, 1);
  same('partitions', topics.find((one) => one.topic === topic).partitions.length, 4);
  const at = async (time) => (await kcat(['-Q', '-b', bootstrap, '-t', `${topic}:0:${time}`])).toString().trim();
  same('first', await at(-2), `${topic} [0] offset 0`);
  same('end', await at(-1), `${topic} [0] offset 2`);
  same('by time', await at(1), `${topic} [0] offset 0`);
}

await main({ produce, group, admin: administer });
