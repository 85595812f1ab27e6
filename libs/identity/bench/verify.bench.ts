/**
 * What the check of a signed PutRecord of 1 KiB costs: `node libs/identity/bench/verify.bench.ts`. Some ten seconds. The
 * request is signed as the JavaScript SDK signs it.
 */
import { hash, randomBytes } from 'node:crypto';
import { callerOf, compilePolicy, evaluate, type Policy, SignatureVerifier } from '../src/index.ts';
import { sdkSigner } from '../src/testing/sdk-signer.ts';

const ROUNDS = 7;
const ROUND_MS = 250;
const CALLS_BETWEEN_LOOKS = 200;

const secret = randomBytes(30).toString('base64');
const accessKeyId = 'AKIAIOSFODNN7EXAMPLE';
const body = Buffer.from(
  JSON.stringify({ StreamName: 'orders', Data: randomBytes(1024).toString('base64'), PartitionKey: 'customer-42' }),
);

const { headers } = await sdkSigner({ accessKeyId, secret }).sign({
  method: 'POST',
  protocol: 'http:',
  hostname: '127.0.0.1',
  port: 4567,
  path: '/',
  headers: {
    host: '127.0.0.1:4567',
    'content-type': 'application/x-amz-json-1.1',
    'content-length': String(body.length),
    'x-amz-target': 'Kinesis_20131202.PutRecord',
    'x-amz-user-agent': 'aws-sdk-js/3.1143.0',
    'user-agent': 'aws-sdk-js/3.1143.0 ua/2.1 os/linux lang/js md/nodejs api/kinesis',
    'amz-sdk-invocation-id': 'd0b3c8a4-2a64-4a2b-9d3e-5b8f8d0a1c11',
    'amz-sdk-request': 'attempt=1; max=3',
  },
  body,
});
const request = { method: 'POST', target: '/', headers };
const verifier = new SignatureVerifier({ findSigner: () => ({ secret, identity: 'bench' }) });
const wrong = new SignatureVerifier({ findSigner: () => ({ secret: 'wrong', identity: 'bench' }) });
if (!verifier.verify(request, body).ok || wrong.verify(request, body).ok) throw new Error('the bench measures nothing');

const compiled = compilePolicy('identity', {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: ['kinesis:Describe*', 'kinesis:List*'], Resource: '*' },
    { Effect: 'Allow', Action: 'kinesis:Put*', Resource: 'arn:aws:kinesis:*:*:stream/orders*' },
    { Effect: 'Deny', Action: 'kinesis:Delete*', Resource: '*' },
  ],
});
if (!compiled.ok) throw new Error(compiled.problem);
const identityPolicies: readonly Policy[] = [compiled.policy];
const principal = { account: '111122223333', arn: 'arn:aws:iam::111122223333:user/bench' };

let sink = 0;
const works: readonly [string, () => void][] = [
  ['verify a PutRecord of 1 KiB', () => (sink += verifier.verify(request, body).ok ? 1 : 0)],
  ['of that: SHA-256 of the body', () => (sink += hash('sha256', body, 'hex').length)],
  ['refuse a wrong signature', () => (sink += wrong.verify(request, body).ok ? 1 : 0)],
  [
    'evaluate three statements',
    () =>
      (sink += evaluate({
        principal,
        action: 'kinesis:PutRecord',
        resource: 'arn:aws:kinesis:eu-west-1:111122223333:stream/orders-eu',
        resourceAccount: '111122223333',
        identityPolicies,
      }).allowed
        ? 1
        : 0),
  ],
  ['callerOf (authentication off)', () => (sink += callerOf(headers).region.length)],
];

for (const [name, work] of works) {
  const rounds: { wallUs: number; cpuUs: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    const cpuStart = process.cpuUsage();
    let calls = 0;
    while (performance.now() - start < ROUND_MS) {
      for (let i = 0; i < CALLS_BETWEEN_LOOKS; i++) work();
      calls += CALLS_BETWEEN_LOOKS;
    }
    // Time on the processor says more on a machine that others use as well.
    const { user, system } = process.cpuUsage(cpuStart);
    rounds.push({ wallUs: ((performance.now() - start) * 1000) / calls, cpuUs: (user + system) / calls });
  }
  const median = (of: 'wallUs' | 'cpuUs') => rounds.map((round) => round[of]).sort((a, b) => a - b)[ROUNDS >> 1] ?? 0;
  console.log(
    `${name.padEnd(32)} ${median('wallUs').toFixed(2).padStart(7)} µs ${median('cpuUs').toFixed(2).padStart(7)} µs of processor time`,
  );
}
if (sink === 0) throw new Error('nothing was done');
