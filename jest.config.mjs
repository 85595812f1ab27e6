import { availableParallelism } from 'node:os';

/**
 * One jest run over all projects. Sources are ES modules in TypeScript; swc only strips the types.
 * `*.redis.spec.ts` start a real Redis on a free port (libs/testkit). One project: `--selectProjects quota`.
 */
const project = (rootDir) => ({
  displayName: rootDir.split('/')[1],
  rootDir: `<rootDir>/${rootDir}`,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  testMatch: ['**/*.spec.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
});

const projects = [
  'libs/hashing',
  'libs/kafka-protocol',
  'libs/shard-core',
  'libs/identity',
  'libs/quota',
  'libs/replication',
  'libs/telemetry',
  'libs/service',
  'libs/testkit',
  'apps/rest-api',
  'apps/kafka-bridge',
  'apps/tailrace',
  'tools/workspace',
];

export default {
  projects: projects.map(project),
  testTimeout: 30_000,
  // Each worker may start processes of its own (Redis, the service): more than four crowd even a large machine.
  maxWorkers: Math.min(4, availableParallelism()),
};
