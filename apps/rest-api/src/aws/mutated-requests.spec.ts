import { describe, expect, it } from '@jest/globals';
import { seededRandom } from '@tailrace/testkit';
import { awsHarness } from '../../test/aws-harness.ts';
import { goodRequests, inCbor, mutated } from '../testing/mutated-requests.ts';
import { notImplemented, operations } from './operations/index.ts';
import { TARGET_PREFIX } from './aws-protocol.ts';
import type { WireStructure } from './wire/wire-codec.ts';
import { CBOR_MEDIA_TYPE, cborCodec } from './wire/cbor-codec.ts';
import { JSON_MEDIA_TYPE } from './wire/json-codec.ts';

/** In each form. A longer run: `TAILRACE_FUZZ_REQUESTS=500000`. */
const MUTATIONS = Number(process.env.TAILRACE_FUZZ_REQUESTS ?? 3_000);
const PATIENCE_MS = 60_000 + MUTATIONS * 5;

describe('mutated requests', () => {
  it.each([
    ['JSON', JSON_MEDIA_TYPE, 4711],
    ['CBOR', CBOR_MEDIA_TYPE, 4712],
  ])(
    'in %s are answered with 200 or an error of the protocol, never with a failure of ours',
    async (_, mediaType, seed) => {
      const { send, ok } = await awsHarness();
      await ok('CreateStream', { StreamName: 's', ShardCount: 2 });
      const random = seededRandom(seed);
      const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
      const names = Object.keys(operations).filter(
        (name) => operations[name as keyof typeof operations] !== notImplemented,
      );
      // It answers with events, over a connection of its own.
      expect(Object.keys(goodRequests)).toEqual(names.filter((name) => name !== 'SubscribeToShard'));

      for (let i = 0; i < MUTATIONS; i++) {
        const name = pick(Object.keys(goodRequests));
        const input = mutated(goodRequests[name], random);
        const body =
          mediaType === CBOR_MEDIA_TYPE
            ? (cborCodec.encode(inCbor(input) as WireStructure) as Buffer)
            : Buffer.from(JSON.stringify(input));
        while (body.length > 0 && random() < 0.2) body[Math.floor(random() * body.length)] = Math.floor(random() * 256);
        const headers = { 'content-type': mediaType, 'x-amz-target': `${TARGET_PREFIX}.${name}` };
        const answer = await send({ headers, body });
        if (answer.statusCode !== 200 && answer.statusCode !== 400) {
          throw new Error(`${name} ${body.toString('hex')}: ${answer.statusCode} ${JSON.stringify(answer.body)}`);
        }
      }
    },
    PATIENCE_MS,
  );
});
