import { join } from 'node:path';
import { freePort, SERVER_CORE, spawnOnCore, stop, until } from '../processes.ts';
import { installFromNpm } from './install.ts';
import type { Server } from './server.ts';

export async function startKinesalite(): Promise<Server> {
  const folder = installFromNpm('kinesalite');
  const port = await freePort();
  const begin = performance.now();
  const cli = join(folder, 'node_modules', 'kinesalite', 'cli.js');
  const child = spawnOnCore(
    SERVER_CORE,
    process.execPath,
    [cli, '--port', String(port), '--createStreamMs', '50', '--shardLimit', '100'],
    {
      stdio: 'ignore',
    },
  );
  await until('kinesalite', () => answers(port));
  return {
    name: 'kinesalite 3.3.3',
    pid: child.pid as number,
    startedInMs: performance.now() - begin,
    httpPort: port,
    stop: () => stop(child),
  };
}

const answers = (port: number) =>
  fetch(`http://127.0.0.1:${port}/`, { method: 'GET' }).then(
    () => true,
    () => false,
  );
