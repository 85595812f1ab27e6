import { mkdirSync, renameSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import { prepareDataDirectory } from './data-directory.ts';
import { Database } from './database.ts';

let directory: TemporaryDirectory;

beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(() => directory.remove());

describe('a change of the database', () => {
  it.each([
    [true, 'rejected'],
    [false, 'fulfilled'],
  ] as const)('that is to last (%s) is %s where the write-ahead log cannot be synced', async (syncs, expected) => {
    const place = prepareDataDirectory(directory.path);
    const database = Database.open(place, syncs);
    // SQLite goes on with the file that it has; who syncs it from outside finds another thing under its name.
    renameSync(`${place.database}-wal`, `${place.database}-elsewhere`);
    mkdirSync(`${place.database}-wal`);
    const changing = database.change((sqlite) => sqlite.exec("INSERT INTO counter VALUES ('a', 1)"));
    const [outcome] = await Promise.allSettled([changing]);
    expect(outcome.status).toBe(expected);
    if (outcome.status === 'rejected') {
      expect(outcome.reason).toMatchObject({
        name: 'StoreUnavailable',
        message: expect.stringMatching(/^the database could not be synced: /),
      });
    }
    await database.close();
  });
});
