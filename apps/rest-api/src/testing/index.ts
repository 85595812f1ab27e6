export { TARGET_PREFIX } from '../aws/aws-protocol.ts';
export { CBOR_MEDIA_TYPE, cborCodec } from '../aws/wire/cbor-codec.ts';
export { JSON_MEDIA_TYPE } from '../aws/wire/json-codec.ts';
export { goodRequests, inCbor, mutated } from './mutated-requests.ts';
export * from './http2-frames.ts';
