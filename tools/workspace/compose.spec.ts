import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readSettings } from '@tailrace/service';
import { parse } from 'yaml';
import { readText, root } from './tracked-files.ts';

interface Service {
  readonly image?: string;
  readonly build?: string | { readonly dockerfile_inline: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
}

/** With `<<` merged, as Compose reads it. */
const compose = parse(readText('docker-compose.yml'), { merge: true }) as ComposeFile;
const services = Object.entries(compose.services);
const doors = services.filter(([name]) => name === 'rest-api' || name === 'kafka-bridge');

/** Checks against the Compose Specification's own schema (see __fixtures__/README.md). */
function problems(document: unknown): unknown[] {
  const schema = JSON.parse(
    readFileSync(join(import.meta.dirname, '__fixtures__/compose-spec.json'), 'utf8'),
  ) as object;
  // The schema's formats (`duration`, `ports`…) are Compose's own; it means them as notes.
  const validate = new Ajv2020({ strict: false, validateFormats: false, allErrors: true }).compile(schema);
  validate(document);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

describe('docker-compose.yml', () => {
  it('keeps to the Compose Specification', () => {
    expect(problems(compose)).toEqual([]);
  });

  it.each([
    ['an unknown key', { services: { redis: { image: 'redis', healthchek: {} } } }],
    ['a condition that does not exist', { services: { a: { depends_on: { b: { condition: 'service_ready' } } } } }],
    ['a command that is a number', { services: { a: { command: 7 } } }],
  ])('would not pass with %s', (_what, document) => {
    expect(problems(document)).not.toEqual([]);
  });

  it('has Redis, both doors, the collector and Jaeger, each pinned to an image or a build', () => {
    expect(services.map(([name]) => name).sort()).toEqual([
      'jaeger',
      'kafka-bridge',
      'otel-collector',
      'redis',
      'rest-api',
    ]);
    for (const [name, { image, build }] of services) {
      if (build === undefined) expect([name, image]).toEqual([name, expect.stringMatching(/:\d+\.\d+/)]);
    }
  });

  it('asks every service how it is, and waits for health wherever one depends on another', () => {
    for (const [name, { healthcheck, depends_on = {} }] of services) {
      expect([name, healthcheck?.test[0]]).toEqual([name, expect.stringMatching(/^CMD(-SHELL)?$/)]);
      for (const [other, { condition }] of Object.entries(depends_on)) {
        expect([name, other in compose.services, condition]).toEqual([name, true, 'service_healthy']);
      }
    }
  });

  it('sets only what the service reads, to values that it takes', () => {
    for (const [name, { environment = {} }] of doors) {
      // Throws for a value that is refused, and warns of a name that is no setting.
      expect([name, readSettings(environment).warnings]).toEqual([name, []]);
    }
  });

  it('opens both doors on Redis, in containers that say aloud that nobody is authenticated', () => {
    expect(doors).toHaveLength(2);
    for (const [name, { environment }] of doors) {
      expect([name, environment]).toEqual([
        name,
        expect.objectContaining({
          TAILRACE_STORE: 'redis',
          TAILRACE_REDIS_URL: 'redis://redis:6379',
          TAILRACE_HOST: '0.0.0.0',
          TAILRACE_AUTH: 'off',
        }),
      ]);
    }
    expect(compose.services['kafka-bridge']?.environment?.['TAILRACE_KAFKA_ADVERTISED']).toEqual('localhost:9092');
  });

  it('publishes every port on loopback alone', () => {
    const published = services.flatMap(([, { ports = [] }]) => ports);
    expect(published.length).toBeGreaterThan(0);
    for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  it('starts what the build makes, and mounts what is there', () => {
    const build = readText('tools/build.ts');
    for (const [name, { command }] of doors) {
      expect(command).toEqual(['node', `dist/${name}.mjs`]);
      expect(build).toContain(`'${name}': 'apps/${name}'`);
    }
    const mounted = services.flatMap(([, { volumes = [] }]) => volumes).filter((volume) => volume.startsWith('./'));
    expect(mounted).toEqual(['./tools/otel/collector.yaml:/etc/otelcol/config.yaml:ro']);
    for (const volume of mounted) expect(existsSync(join(root, volume.split(':')[0] ?? ''))).toEqual(true);
  });

  it('sends traces where the collector listens, and on to Jaeger', () => {
    const collector = parse(readText('tools/otel/collector.yaml')) as {
      receivers: { otlp: { protocols: Record<string, { endpoint: string }> } };
      exporters: Record<string, { endpoint: string }>;
      extensions: Record<string, { endpoint: string }>;
      service: {
        extensions: string[];
        pipelines: { traces: Record<'receivers' | 'processors' | 'exporters', string[]> };
      };
      processors: Record<string, unknown>;
    };
    for (const [, { environment }] of doors) {
      expect(environment?.['OTEL_EXPORTER_OTLP_ENDPOINT']).toEqual('http://otel-collector:4317');
    }
    expect(collector.receivers.otlp.protocols['grpc']?.endpoint).toEqual('0.0.0.0:4317');
    expect(collector.exporters['otlp/jaeger']?.endpoint).toEqual('jaeger:4317');
    expect(compose.services['otel-collector']?.healthcheck?.test.at(-1)).toContain(
      collector.extensions['health_check']?.endpoint.replace('0.0.0.0', '127.0.0.1'),
    );
    const { receivers, processors, exporters } = collector.service.pipelines.traces;
    expect(Object.keys(collector.receivers)).toEqual(receivers);
    expect(Object.keys(collector.processors)).toEqual(processors);
    expect(Object.keys(collector.exporters)).toEqual(exporters);
    expect(Object.keys(collector.extensions)).toEqual(collector.service.extensions);
  });
});
