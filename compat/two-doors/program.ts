import { spawn } from 'node:child_process';

/** Runs a foreign program to its end and answers what it printed; throws when it fails or takes too long. */
export function program(
  command: string,
  args: readonly string[],
  {
    input,
    env = {},
    patienceMs = 120_000,
  }: { input?: Buffer | string; env?: Record<string, string>; patienceMs?: number } = {},
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env: { ...process.env, ...env }, timeout: patienceMs });
    const out: Buffer[] = [];
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) =>
      code === 0
        ? resolve(Buffer.concat(out))
        : reject(
            new Error(`${command} ${args.slice(0, 4).join(' ')} … ended with ${code ?? signal}: ${err.slice(-2000)}`),
          ),
    );
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
  });
}
