import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PIECE_BYTES = 8 * 1024 * 1024;

/**
 * Fills so much of the page cache and lets it go again. On a virtual machine whose host takes free memory back, the first
 * write to each page costs several times the rest, and whoever is measured first pays for all: so it is paid before each.
 */
export function touchMemory(bytes: number): void {
  const directory = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'touched-'));
  const file = openSync(join(directory, 'pages'), 'w');
  const piece = Buffer.alloc(PIECE_BYTES, 1);
  try {
    for (let written = 0; written < bytes; written += PIECE_BYTES) writeSync(file, piece);
  } finally {
    closeSync(file);
    rmSync(directory, { recursive: true });
  }
}
