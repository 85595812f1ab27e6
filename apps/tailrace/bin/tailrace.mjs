#!/usr/bin/env node
import { existsSync } from 'node:fs';

const program = new URL('../../../dist/tailrace.mjs', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  process.stderr.write('Tailrace is not built yet: `npm run build` (or `npm start`) does it.\n');
  process.exitCode = 1;
}
