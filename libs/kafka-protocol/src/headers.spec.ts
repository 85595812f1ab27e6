import { describe, expect, it } from '@jest/globals';
import { message } from './codec/message.ts';
import { int8 } from './codec/field.ts';
import { MalformedFrame } from './codec/malformed-frame.ts';
import {
  api,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  readRequestHeader,
  responseHeaderVersion,
} from './headers.ts';
import { apiVersionsRequest, apiVersionsResponse } from './messages/api-versions.ts';
import { heartbeatApi, heartbeatRequest, heartbeatResponse } from './messages/heartbeat.ts';
import { apisByKey } from './messages/index.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const draft = { groupId: 'g', generationId: 1, memberId: 'm' };
const value = { ...draft, groupInstanceId: null };

describe('a request header', () => {
  it('is version 1 before flexible versions and version 2 from there, with an old-style client id in both', () => {
    const v3 = Buffer.concat(encodeRequest(heartbeatRequest, 3, { correlationId: 5, clientId: 'me' }, draft));
    const v4 = Buffer.concat(encodeRequest(heartbeatRequest, 4, { correlationId: 5, clientId: 'me' }, draft));
    expect(v3.toString('hex')).toBe(
      '00000018 000c0003 00000005 0002 6d65 000167 00000001 00016d ffff'.replaceAll(' ', ''),
    );
    expect(v4.toString('hex')).toBe(
      '00000017 000c0004 00000005 0002 6d65 00 0267 00000001 026d 00 00'.replaceAll(' ', ''),
    );
    for (const frame of [v3, v4]) {
      expect(decodeRequest(frame.subarray(4), apisByKey)).toMatchObject({
        apiKey: 12,
        correlationId: 5,
        clientId: 'me',
        api: heartbeatApi,
        body: value,
      });
    }
  });

  it('may be without a client id', () => {
    const frame = Buffer.concat(
      encodeRequest(heartbeatRequest, 0, { correlationId: 5, clientId: null }, draft),
    ).subarray(4);
    expect(readRequestHeader(frame, apisByKey).clientId).toBeNull();
  });

  it('is read for operations and versions that are not known, so that they can be answered', () => {
    for (const start of ['000c0005', '000cffff', '03e70000', 'ffff0000', '80000000']) {
      const frame = hex(`${start} 00000007 0001 78 00ffee`);
      expect(readRequestHeader(frame, apisByKey)).toMatchObject({ correlationId: 7, clientId: 'x', api: undefined });
      expect(() => decodeRequest(frame, apisByKey)).toThrow(RangeError);
    }
  });

  it('skips tags that it does not know', () => {
    const frame = hex('000c0004 00000005 ffff 01 09 02 aabb 0267 00000001 026d 00 00');
    expect(decodeRequest(frame, apisByKey).body).toEqual(value);
  });

  it('of ControlledShutdown 0 ends with the correlation id', () => {
    expect(readRequestHeader(hex('00070000 00000009 00000001'), apisByKey)).toMatchObject({
      apiKey: 7,
      correlationId: 9,
      clientId: null,
      bodyPosition: 8,
    });
  });

  it.each([
    '',
    '00',
    '000c0004000000',
    '000c0004 00000005',
    '000c0004 00000005 0005 6d65',
    '000c0004 00000005 fffe 00',
  ])('that is cut or garbage is refused: %s', (text) => {
    expect(() => readRequestHeader(hex(text), apisByKey)).toThrow(MalformedFrame);
  });
});

describe('a response header', () => {
  it('is version 1 from flexible versions on', () => {
    expect(Buffer.concat(encodeResponse(heartbeatResponse, 3, 5, { errorCode: 27 })).toString('hex')).toBe(
      '0000000a 00000005 00000000 001b'.replaceAll(' ', ''),
    );
    const v4 = Buffer.concat(encodeResponse(heartbeatResponse, 4, 5, { errorCode: 27 }));
    expect(v4.toString('hex')).toBe('0000000c 00000005 00 00000000 001b 00'.replaceAll(' ', ''));
    expect(decodeResponse(heartbeatResponse, 4, v4.subarray(4))).toEqual({
      correlationId: 5,
      body: { throttleTimeMs: 0, errorCode: 27 },
    });
  });

  it('of ApiVersions is version 0 always', () => {
    const [first, last] = apiVersionsRequest.versions;
    for (let version = first; version <= last; version++)
      expect(responseHeaderVersion(apiVersionsResponse, version)).toBe(0);
  });
});

describe('an operation', () => {
  it('is a request and a response of the same key and versions', () => {
    const other = message({ name: 'OtherResponse', key: 12, versions: [0, 3], flexibleFrom: 4, fields: { a: int8() } });
    expect(() => api(heartbeatRequest, other)).toThrow('HeartbeatRequest and OtherResponse do not belong together');
  });
});
