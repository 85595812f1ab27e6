import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import kafkajs from 'kafkajs';
import { eventually, temporaryDirectory, type TemporaryDirectory } from '@tailrace/testkit';
import { tailrace, up, type Up } from './program.ts';

describe('users of the Kafka door', () => {
  let directory: TemporaryDirectory;
  let env: Record<string, string>;
  let service: Up | undefined;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    env = {
      TAILRACE_DATA_DIR: join(directory.path, 'data'),
      TAILRACE_KAFKA_AUTH: 'scram-sha-256,plain',
      TAILRACE_KAFKA_SUPER_USERS: 'User:ops',
    };
  });
  afterAll(async () => {
    await service?.stop();
    await directory.remove();
  });

  const users = (args: string[], input = '') => tailrace(['users', ...args], env, input);
  const topics = async (username: string, password: string) => {
    const sasl = { mechanism: 'scram-sha-256', username, password } as const;
    const broker = (service as Up).kafka;
    const kafka = new kafkajs.Kafka({
      brokers: [broker],
      sasl,
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 0 },
    });
    const admin = kafka.admin();
    try {
      await admin.connect();
      await admin.createTopics({ topics: [{ topic: `of-${username}`, numPartitions: 1 }] });
      return await admin.listTopics();
    } finally {
      await admin.disconnect();
    }
  };

  it('are made before the service first starts and while it runs, get another password, and are removed', async () => {
    expect((await users([])).stdout).toBe('No users yet. `tailrace users set NAME` makes one.\n');
    const made = await users(['set', 'ops', '--json']);
    expect(made.stderr).toBe('');
    const { password } = JSON.parse(made.stdout) as { password: string };
    service = await up(env);
    expect(await topics('ops', password)).toEqual(['of-ops']);
    expect(await users(['set', 'shop', '--password-stdin', '--mechanism', 'scram-sha-256'], 'open sesame\n')).toEqual({
      code: 0,
      stdout: 'User shop has the password that was given.\n',
      stderr: '',
    });
    // Known, and allowed nothing: entries say who may.
    await eventually(async () => {
      await expect(topics('shop', 'open sesame')).rejects.toMatchObject({ name: 'KafkaJSAggregateError' });
    });
    expect((await users([])).stdout).toMatch(
      /ops +SCRAM-SHA-256 \(4096 iterations\), SCRAM-SHA-512 .*\nshop +SCRAM-SHA-256 \(4096/,
    );
    expect((await users(['remove', 'shop'])).stdout).toBe('Removed user shop.\n');
    await eventually(async () => {
      await expect(topics('shop', 'open sesame')).rejects.toMatchObject({ name: 'KafkaJSSASLAuthenticationError' });
    });
    expect(await users(['remove', 'shop'])).toMatchObject({ code: 1, stderr: 'There is no user shop.\n' });
  }, 180_000);

  it.each([
    [['set', 'a', '--password-stdin'], ''],
    [['set', 'a', '--iterations', '1'], ''],
    [['rename', 'a'], ''],
  ])(
    'are not understood: %p',
    async (args, input) => {
      expect(await users(args, input)).toMatchObject({ code: 2, stdout: '' });
    },
    60_000,
  );
});
