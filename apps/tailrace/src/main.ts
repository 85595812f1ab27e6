#!/usr/bin/env node
import { describeFailure } from '@tailrace/service';
import { COMMANDS, isCommandName } from './commands/index.ts';
import { helpText } from './help.ts';
import { UsageError } from './usage-error.ts';
import { VERSION } from './version.ts';

/** Exit codes: 0 done, 1 failed, 2 not understood. */
async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(helpText());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-v' || name === 'version') {
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  if (!isCommandName(name)) throw new UsageError(`There is no command \`${name}\`. \`tailrace --help\` lists them.`);
  const command = COMMANDS[name];
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(`${command.usage}\n`);
    return 0;
  }
  const { run } = await command.load();
  return run(rest);
}

main(process.argv.slice(2)).then(
  (code) => {
    // A service goes on running: its exit is the signal's matter.
    if (code >= 0) process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof UsageError ? error.message : describeFailure(error)}\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
  },
);
