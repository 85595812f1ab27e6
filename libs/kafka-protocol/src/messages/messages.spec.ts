import { describe, expect, it } from '@jest/globals';
import { decode, encode } from '../codec/codec.ts';
import type { Message } from '../codec/message.ts';
import { generateValue, roundTrip } from '../testing/generate-value.ts';
import { Random } from '../testing/random.ts';
import { expectSame, outcomeOf } from '../testing/refusal.ts';
import { consumerProtocolAssignment } from './consumer-protocol-assignment.ts';
import { consumerProtocolSubscription } from './consumer-protocol-subscription.ts';
import { apis, apisByKey } from './index.ts';

const SEEDS = 12;

const all: readonly Message[] = [
  ...apis.flatMap(({ request, response }): Message[] => [request, response]),
  consumerProtocolSubscription,
  consumerProtocolAssignment,
];

describe.each(all.map((declaration) => [declaration.name, declaration] as const))('%s', (_name, declaration) => {
  const [first, last] = declaration.versions;
  const versions = Array.from({ length: last - first + 1 }, (_, i) => first + i);

  it('reads what it wrote, in every version', () => {
    for (const version of versions) {
      for (let seed = 0; seed < SEEDS; seed++) {
        const value = generateValue(declaration, version, new Random(seed * 100 + version));
        expectSame(roundTrip(declaration, version, value), value);
      }
    }
  });

  it('refuses cuts and garbage, and nothing else happens', () => {
    const random = new Random(first + last);
    const accepted: string[] = [];
    for (const version of versions) {
      const whole = Buffer.concat(encode(declaration, version, generateValue(declaration, version, random) as never));
      for (let i = 0; i < 20 && whole.length > 0; i++) {
        const cut = whole.subarray(0, random.below(whole.length));
        if (outcomeOf(() => decode(declaration, version, cut)) === 'value')
          accepted.push(`v${version} cut to ${cut.length}`);
      }
      for (let i = 0; i < 20; i++) outcomeOf(() => decode(declaration, version, random.bytes(random.below(200))));
    }
    expect(accepted).toEqual([]);
  });
});

describe('the table of operations', () => {
  it('has each at its key', () => {
    for (const api of apis) expect(apisByKey[api.key]).toBe(api);
    expect(new Set(apis.map(({ key }) => key)).size).toBe(apis.length);
  });

  it('advertises what is stable, and Produce from 0', () => {
    const advertised = Object.fromEntries(apis.map(({ name, advertised: [from, to] }) => [name, `${from}-${to}`]));
    expect(advertised).toMatchObject({
      Produce: '0-13',
      Fetch: '4-18',
      ListOffsets: '1-11',
      Metadata: '0-13',
      InitProducerId: '0-5',
      ApiVersions: '0-4',
    });
  });
});
