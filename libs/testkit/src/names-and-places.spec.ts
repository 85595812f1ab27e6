import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { freePort } from './free-port.ts';
import { seededRandom } from './seeded-random.ts';
import { temporaryDirectory } from './temporary-directory.ts';
import { uniqueName } from './unique-name.ts';

describe('uniqueName', () => {
  it('keeps the prefix, stays legal for streams and topics, and does not repeat', () => {
    const names = Array.from({ length: 1_000 }, () => uniqueName('orders'));
    for (const name of names) expect(name).toMatch(/^orders-[0-9a-f]{12}$/);
    expect(new Set(names).size).toEqual(names.length);
  });
});

describe('seededRandom', () => {
  it('repeats its sequence for a seed, and has another for another', () => {
    const draw = (seed: number) => Array.from({ length: 5 }, seededRandom(seed));
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('fills [0, 1) evenly', () => {
    const random = seededRandom(1);
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let i = 0; i < 100_000; i++) {
      const tenth = Math.floor(random() * 10);
      tenths[tenth] = (tenths[tenth] ?? Number.NaN) + 1;
    }
    expect(tenths).toHaveLength(10);
    for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  });
});

describe('freePort', () => {
  it('names a port on which one can listen, below the range of outgoing connections', async () => {
    const port = await freePort();
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(30_000);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    const client = connect(port, '127.0.0.1');
    await once(client, 'connect');
    client.destroy();
    server.close();
    await once(server, 'close');
  });
});

describe('temporaryDirectory', () => {
  it('is empty, apart from every other, and gone with its files after remove()', async () => {
    const [first, second] = [await temporaryDirectory(), await temporaryDirectory()];
    expect(first.path).not.toEqual(second.path);
    await writeFile(join(first.path, 'file'), 'x');
    await first.remove();
    await first.remove();
    expect([existsSync(first.path), existsSync(second.path)]).toEqual([false, true]);
    await second.remove();
  });
});
