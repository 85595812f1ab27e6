import { join } from 'node:path';
import type { Client, ReadRecord } from '../client.ts';
import { program } from '../program.ts';

const SCRIPT = join(import.meta.dirname, 'boto3_client.py');
/** Debian's own Python: its package python3-boto3 is meant, not another Python of the machine. */
const PYTHON = '/usr/bin/python3';

export const boto3: Client = {
  name: 'boto3',
  door: 'kinesis',
  binary: true,
  async write({ http }, stream, records) {
    await program(PYTHON, [SCRIPT, http, 'write', stream], {
      input: records.map((record) => `${JSON.stringify(record)}\n`).join(''),
    });
  },
  async readAll({ http }, stream) {
    const printed = await program(PYTHON, [SCRIPT, http, 'read', stream]);
    return printed
      .toString('utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as ReadRecord);
  },
};
