import { spawn, spawnSync } from 'node:child_process';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { DURATION_BUCKETS_SECONDS, logMetrics, requestMetrics, tailCacheMetrics, trafficMetrics } from './metrics.ts';
import { METRICS_CONNECTIONS_MAX, MetricsServerError, startMetricsServer } from './metrics-server.ts';
import type { MetricsServer } from './metrics-server.ts';

let server: MetricsServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function get(path: string, init?: RequestInit) {
  const response = await fetch(`http://127.0.0.1:${server?.port}${path}`, init);
  return { status: response.status, contentType: response.headers.get('content-type'), text: await response.text() };
}

/** The samples of the text format: `name{labels}` to value. */
function samplesOf(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  );
}

function checkedByPromtool(text: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const promtool = spawn('promtool', ['check', 'metrics']);
    let output = '';
    promtool.stdout.on('data', (chunk) => (output += String(chunk)));
    promtool.stderr.on('data', (chunk) => (output += String(chunk)));
    promtool.on('error', reject);
    promtool.on('close', (code) => resolve({ code, output }));
    promtool.stdin.end(text);
  });
}

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

function observeSome(): void {
  const produce = requestMetrics('kafka', 'Produce');
  produce.observe(0.0002, 'NONE');
  produce.observe(0.003, 'NONE');
  produce.observe(20, 'NOT_LEADER_OR_FOLLOWER');
  logMetrics('embedded').append.observe(0.0003);
  trafficMetrics('http').received(3, 300);
  trafficMetrics('http').connections = 2;
  tailCacheMetrics().hits = 5;
}

describe('the metrics server', () => {
  it('serves the counts, sums and cumulative buckets of the handles', async () => {
    observeSome();
    server = await startMetricsServer({ host: '127.0.0.1', port: 0 });
    const { status, contentType, text } = await get('/metrics');
    expect([status, contentType]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    const samples = samplesOf(text);
    expect(samples).toMatchObject({
      'tailrace_requests_total{door="kafka",operation="Produce",code="NONE"}': 2,
      'tailrace_requests_total{door="kafka",operation="Produce",code="NOT_LEADER_OR_FOLLOWER"}': 1,
      'tailrace_request_duration_seconds_count{door="kafka",operation="Produce"}': 3,
      'tailrace_request_duration_seconds_sum{door="kafka",operation="Produce"}': 20.0032,
      'tailrace_append_duration_seconds_count{engine="embedded"}': 1,
      'tailrace_read_duration_seconds_count{engine="embedded"}': 0,
      'tailrace_records_in_total{door="http"}': 3,
      'tailrace_bytes_in_total{door="http"}': 300,
      'tailrace_records_out_total{door="kafka"}': 0,
      'tailrace_bytes_out_total{door="kafka"}': 0,
      'tailrace_throttled_total{door="http"}': 0,
      'tailrace_connections{door="http"}': 2,
      tailrace_tail_cache_bytes: 0,
      tailrace_tail_cache_hits_total: 5,
      tailrace_tail_cache_misses_total: 0,
    });
    const buckets = [...DURATION_BUCKETS_SECONDS, '+Inf'].map(
      (le) => samples[`tailrace_request_duration_seconds_bucket{door="kafka",operation="Produce",le="${le}"}`],
    );
    expect(buckets).toEqual([0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3]);
    expect(samples['process_resident_memory_bytes']).toBeGreaterThan(1e6);
    expect(samples['nodejs_eventloop_lag_seconds']).toBeGreaterThanOrEqual(0);
  });

  (hasPromtool ? it : it.skip)('satisfies promtool', async () => {
    observeSome();
    server = await startMetricsServer({ host: '127.0.0.1', port: 0 });
    expect(await checkedByPromtool((await get('/metrics')).text)).toEqual({ code: 0, output: '' });
  });

  it('answers other paths and methods as what they are', async () => {
    server = await startMetricsServer({ host: '127.0.0.1', port: 0 });
    expect(await get('/')).toEqual({
      status: 404,
      contentType: 'text/plain; charset=utf-8',
      text: 'Metrics are at /metrics\n',
    });
    expect((await get('/metrics', { method: 'POST' })).status).toBe(405);
    expect(await get('/metrics', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' });
    expect((await get('/metrics?x=1')).status).toBe(200);
  });

  it('takes as many connections as it has places, and drops the next', async () => {
    server = await startMetricsServer({ host: '127.0.0.1', port: 0 });
    const { port } = server;
    const sockets: Socket[] = [];
    /** Whether a request on a connection that stays open is answered. */
    const answered = () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.write('HEAD /metrics HTTP/1.1\r\nhost: x\r\n\r\n'));
        sockets.push(socket);
        socket.once('data', () => resolve(true));
        socket.once('error', () => resolve(false));
        socket.once('close', () => resolve(false));
      });
    const places = await Promise.all(Array.from({ length: METRICS_CONNECTIONS_MAX }, answered));
    expect(places).toEqual(places.map(() => true));
    expect(await answered()).toBe(false);
    for (const socket of sockets) socket.destroy();
  });

  it('says in a sentence that the port is taken', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as { port: number };
    const refused = await startMetricsServer({ host: '127.0.0.1', port }).catch((error: unknown) => error);
    blocker.close();
    expect(refused).toBeInstanceOf(MetricsServerError);
    expect((refused as Error).message).toBe(
      `metrics on 127.0.0.1:${port}: the port is taken by another process; choose another with TAILRACE_METRICS_PORT`,
    );
  });

  it('says in a sentence that the address is not here', async () => {
    // 192.0.2.0/24 is reserved for documentation (RFC 5737).
    await expect(startMetricsServer({ host: '192.0.2.1', port: 0 })).rejects.toThrow(
      'metrics on 192.0.2.1:0: this machine has no such address; check TAILRACE_HOST',
    );
  });

  it('can be closed and started again', async () => {
    server = await startMetricsServer({ host: '127.0.0.1', port: 0 });
    const { port } = server;
    await server.close();
    server = await startMetricsServer({ host: '127.0.0.1', port });
    expect((await get('/metrics')).status).toBe(200);
  });
});
