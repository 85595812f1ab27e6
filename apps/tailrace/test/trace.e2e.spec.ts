import { type TemporaryDirectory, temporaryDirectory } from '@tailrace/testkit';
import { openBothDoors } from './both-doors.ts';
import { describeTraces } from './trace-scenarios.ts';

let directory: TemporaryDirectory;

describeTraces({
  name: 'embedded',
  async open() {
    directory = await temporaryDirectory();
    const doors = await openBothDoors({
      TAILRACE_STORE: 'embedded',
      TAILRACE_DATA_DIR: directory.path,
      TAILRACE_LIMITS: 'off',
    });
    return {
      ...doors,
      async close() {
        await doors.close();
        await directory.remove();
      },
    };
  },
  // The engine is in this process: what it does is the append.
  storeSpans: () => [],
});
