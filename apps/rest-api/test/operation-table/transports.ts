import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import type { OperationName } from '../../src/aws/operation-names.ts';
import { TARGET_PREFIX } from '../../src/aws/aws-protocol.ts';
import { cborCodec } from '../../src/aws/wire/cbor-codec.ts';
import { jsonCodec } from '../../src/aws/wire/json-codec.ts';
import type { WireCodec, WireStructure } from '../../src/aws/wire/wire-codec.ts';

export interface TransportAnswer {
  readonly statusCode: number;
  readonly contentType: string;
  /** As much of it as an answer with an end has; of a stream of events its first frame. */
  readonly body: Buffer;
}

/** A way for requests to travel. */
export interface Transport {
  readonly name: string;
  readonly codec: WireCodec;
  send(operation: OperationName, input: WireStructure): Promise<TransportAnswer>;
}

/** The three of the table. `close` ends their connections. */
export function transports(url: string): { readonly all: readonly Transport[]; close(): void } {
  const session = connect(url);
  return {
    all: [
      { name: 'JSON, HTTP/1.1', codec: jsonCodec, send: overHttp1(url, jsonCodec) },
      { name: 'JSON, HTTP/2', codec: jsonCodec, send: overHttp2(session, jsonCodec) },
      { name: 'CBOR', codec: cborCodec, send: overHttp1(url, cborCodec) },
    ],
    close: () => session.destroy(),
  };
}

function headersOf(operation: OperationName, codec: WireCodec): Record<string, string> {
  return { 'content-type': codec.mediaType, 'x-amz-target': `${TARGET_PREFIX}.${operation}` };
}

function overHttp1(url: string, codec: WireCodec): Transport['send'] {
  return async (operation, input) => {
    const abort = new AbortController();
    const response = await fetch(url, {
      method: 'POST',
      headers: headersOf(operation, codec),
      body: Buffer.from(codec.encode(input) as string),
      signal: abort.signal,
    });
    const contentType = response.headers.get('content-type') ?? '';
    if (response.headers.get('content-length') !== null) {
      return { statusCode: response.status, contentType, body: Buffer.from(await response.arrayBuffer()) };
    }
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    abort.abort();
    return { statusCode: response.status, contentType, body: Buffer.from(value ?? []) };
  };
}

function overHttp2(session: ClientHttp2Session, codec: WireCodec): Transport['send'] {
  return async (operation, input) => {
    const stream: ClientHttp2Stream = session.request({
      ':method': 'POST',
      ':path': '/',
      ...headersOf(operation, codec),
    });
    stream.end(Buffer.from(codec.encode(input) as string));
    const [headers] = (await once(stream, 'response')) as [Record<string, string>];
    const chunks: Buffer[] = [];
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      if (headers['content-length'] === undefined) break;
    }
    return {
      statusCode: Number(headers[':status']),
      contentType: headers['content-type'] ?? '',
      body: Buffer.concat(chunks),
    };
  };
}
