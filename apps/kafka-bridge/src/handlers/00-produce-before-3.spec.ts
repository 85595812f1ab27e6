import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MalformedFrame } from '@tailrace/kafka-protocol';
import { type DoorUnderTest, openDoorUnderTest } from '../testing/door-under-test.ts';
import { refuseOldProduce } from './00-produce-before-3.ts';

let under: DoorUnderTest;
beforeAll(async () => {
  under = await openDoorUnderTest();
});
afterAll(() => under.close());

const int16 = (value: number) => Buffer.from([(value >> 8) & 0xff, value & 0xff]);
const int32 = (value: number) => Buffer.concat([int16(value >> 16), int16(value)]);
const string = (text: string) => Buffer.concat([int16(text.length), Buffer.from(text)]);
const MINUS_ONE = Buffer.alloc(8, 0xff);
const partition = (index: number) => Buffer.concat([int32(index), int32(3), Buffer.from('set')]);
const body = (acks: number) =>
  Buffer.concat([int16(acks), int32(1_000), int32(1), string('old'), int32(2), partition(0), partition(5)]);

describe('Produce before version 3', () => {
  it.each([0, 1, 2])('names error 35 for every partition in version %i', async (version) => {
    const client = await under.connect();
    const header = Buffer.concat([int16(0), int16(version), int32(42), int16(-1)]);
    const frame = Buffer.concat([header, body(1)]);
    const refused = (index: number) =>
      Buffer.concat([int32(index), int16(35), MINUS_ONE, ...(version >= 2 ? [MINUS_ONE] : [])]);
    const expected = Buffer.concat([
      int32(42),
      int32(1),
      string('old'),
      int32(2),
      refused(0),
      refused(5),
      ...(version >= 1 ? [int32(0)] : []),
    ]);
    expect(await client.exchange(Buffer.concat([int32(frame.length), frame]))).toEqual(expected);
    client.close();
  });

  it('has no answer for acks 0, and refuses bytes that end too early', () => {
    expect(refuseOldProduce(body(0), 0, 1, 1)).toBeUndefined();
    const whole = body(1);
    for (let length = 0; length < whole.length; length++) {
      expect(() => refuseOldProduce(whole.subarray(0, length), 0, 1, 1)).toThrow(MalformedFrame);
    }
  });
});
