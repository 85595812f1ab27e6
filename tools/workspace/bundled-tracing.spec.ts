import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { GrpcCollector, HttpCollector } from '@tailrace/telemetry/testing';
import { build } from 'esbuild';
import { bundleOptions } from '../bundle-options.ts';
import { root } from './tracked-files.ts';

const program = `
  import { startTelemetry, withSpan } from '@tailrace/telemetry';
  const telemetry = await startTelemetry({ serviceName: 'bundled', serviceVersion: '1.2.3' });
  withSpan({ name: 'work-from-a-bundle', kind: 0 }, undefined, () => {});
  await telemetry.shutdown();`;

/** Where no node_modules is in reach: what runs here needs nothing but its bundle. */
let outdir: string;
let collector: HttpCollector | GrpcCollector | undefined;

beforeAll(async () => {
  outdir = await mkdtemp(join(tmpdir(), 'tailrace-bundle-'));
  await build({
    ...bundleOptions,
    stdin: { contents: program, resolveDir: join(root, 'libs/service'), sourcefile: 'traced.ts' },
    outdir,
    sourcemap: false,
  });
});
afterAll(() => rm(outdir, { recursive: true, force: true }));
afterEach(() => {
  collector?.close();
  collector = undefined;
});

async function run(variables: Readonly<Record<string, string>>): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [join(outdir, 'stdin.mjs')], {
    env: { ...process.env, ...variables },
  });
}

describe('tracing in a bundled program', () => {
  it.each(['http/json', 'http/protobuf'])('sends by %s', async (protocol) => {
    const http = (collector = new HttpCollector());
    const { stderr } = await run({
      OTEL_EXPORTER_OTLP_ENDPOINT: await http.listen(),
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    });
    expect([stderr, http.received.map(({ path }) => path)]).toEqual(['', ['/v1/traces']]);
    expect(http.received[0]!.body.includes('work-from-a-bundle')).toBe(true);
  });

  it('sends by grpc', async () => {
    const grpc = (collector = new GrpcCollector());
    const { stderr } = await run({
      OTEL_EXPORTER_OTLP_ENDPOINT: await grpc.listen(),
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a',
    });
    expect([stderr, grpc.received.map(({ headers }) => headers['x-tenant'])]).toEqual(['', ['a']]);
    expect(grpc.received[0]!.body.includes('work-from-a-bundle')).toBe(true);
  });

  it('prints on the console', async () => {
    const { stdout, stderr } = await run({ OTEL_TRACES_EXPORTER: 'console' });
    expect(stderr).toBe('');
    expect(stdout).toContain("name: 'work-from-a-bundle'");
    expect(stdout).toContain("'service.name': 'bundled'");
  });

  it('is off unless asked for', async () => {
    expect(await run({})).toEqual({ stdout: '', stderr: '' });
  });
});
