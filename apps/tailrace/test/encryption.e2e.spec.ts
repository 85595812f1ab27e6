import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { temporaryDirectory } from '@tailrace/testkit';
import { encryptionScenarios } from './encryption-scenarios.ts';

describe('encryption at rest, in the embedded store', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeAll(async () => {
    directory = await temporaryDirectory();
  });
  afterAll(() => directory.remove());

  encryptionScenarios(
    () => Promise.resolve({ TAILRACE_DATA_DIR: directory.path }),
    async () => {
      const entries = await readdir(directory.path, { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile());
      return Buffer.concat(await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name)))));
    },
  );
});
