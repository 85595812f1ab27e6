import { writerOf } from './codec/compile-writer.ts';
import { decode, encodeFrame } from './codec/codec.ts';
import { readerOf } from './codec/compile-reader.ts';
import { int16, int32, nullableString } from './codec/field.ts';
import { type Draft, isFlexible, message, type Message, type Of } from './codec/message.ts';
import type { Scratch } from './codec/scratch.ts';

/**
 * What stands before every request. Its client id is an old-style string in every version, also in 2, where only the
 * tagged section is new; `requestHeaderTags` reads that section.
 */
export const requestHeader = message({
  name: 'RequestHeader',
  versions: [0, 1],
  fields: {
    /** Which operation is asked for. */
    requestApiKey: int16(),
    /** The version of request and response. */
    requestApiVersion: int16(),
    /** Comes back in the response; a client matches answers by it. */
    correlationId: int32(),
    /** The name that the client gives itself, for logs and quotas. */
    clientId: nullableString({ since: 1, default: null }),
  },
});

/** The tagged section of request header 2. No tag is known; what a client sends is skipped, and kept. */
export const requestHeaderTags = message({ name: 'RequestHeaderTags', versions: [2, 2], flexibleFrom: 2, fields: {} });

/** What stands before every response. */
export const responseHeader = message({
  name: 'ResponseHeader',
  versions: [0, 1],
  flexibleFrom: 1,
  fields: {
    correlationId: int32(),
  },
});

/** An operation: what is asked, what is answered, and in which versions. */
export interface Api<Request extends Message = Message, Response extends Message = Message> {
  readonly key: number;
  readonly name: string;
  readonly request: Request;
  readonly response: Response;
  /** First and last version that can be read and written. */
  readonly versions: readonly [first: number, last: number];
  /** First and last version to name in ApiVersions: without those that Kafka keeps unstable. */
  readonly advertised: readonly [first: number, last: number];
}

/** Pairs a request with its response. Throws where they disagree about key or versions. */
export function api<Request extends Message, Response extends Message>(
  request: Request,
  response: Response,
): Api<Request, Response> {
  const { key, versions } = request;
  const name = request.name.replace(/Request$/, '');
  if (
    key === undefined ||
    key !== response.key ||
    String(versions) !== String(response.versions) ||
    request.flexibleFrom !== response.flexibleFrom
  ) {
    throw new Error(`${request.name} and ${response.name} do not belong together`);
  }
  const last = request.unstableFrom === undefined ? versions[1] : request.unstableFrom - 1;
  return { key, name, request, response, versions, advertised: [request.advertisedFrom ?? versions[0], last] };
}

export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
  /** The operation, where it and its version are known; otherwise the caller answers with an error, by correlation id. */
  readonly api: Api | undefined;
  /** Where the body begins in the frame; meaningful only with `api`. */
  readonly bodyPosition: number;
}

const API_VERSIONS_KEY = 18;
const CONTROLLED_SHUTDOWN_KEY = 7;

const at = { position: 0 };

/**
 * Reads what every request begins with; `frame` is without the length prefix. `apis` holds each operation at the
 * index of its key. A key or version that is not there is no error here. Throws MalformedFrame.
 */
export function readRequestHeader(frame: Buffer, apis: readonly (Api | undefined)[]): RequestHeader {
  // Only one request, of brokers long gone, came without a client id: ControlledShutdown 0.
  const hasClientId = !(
    frame.length >= 4 &&
    frame.readInt16BE(0) === CONTROLLED_SHUTDOWN_KEY &&
    frame.readInt16BE(2) === 0
  );
  const header = readerOf(requestHeader, hasClientId ? 1 : 0)(frame, 0, frame.length, at) as Of<typeof requestHeader>;
  const known = header.requestApiKey < 0 ? undefined : apis[header.requestApiKey];
  const version = header.requestApiVersion;
  const supported =
    known !== undefined && version >= known.versions[0] && version <= known.versions[1] ? known : undefined;
  if (supported !== undefined && isFlexible(supported.request, version))
    readerOf(requestHeaderTags, 2)(frame, at.position, frame.length, at);
  return {
    apiKey: header.requestApiKey,
    apiVersion: version,
    correlationId: header.correlationId,
    clientId: header.clientId,
    api: supported,
    bodyPosition: at.position,
  };
}

/**
 * Reads the body behind a header whose `api` is known. Throws MalformedFrame. Bytes behind the body are let be, as Kafka's
 * brokers let them: librdkafka's Metadata request for all topics (seen in 2.15.1) ends in three too many.
 */
export function readRequestBody<Request extends Message>(
  request: Request,
  header: RequestHeader,
  frame: Buffer,
): Of<Request> {
  return readerOf(request, header.apiVersion)(frame, header.bodyPosition, frame.length, at) as Of<Request>;
}

/** Header and body at once, and nothing behind them. Throws MalformedFrame, and RangeError where the operation or its version is not known. */
export function decodeRequest(
  frame: Buffer,
  apis: readonly (Api | undefined)[],
): RequestHeader & { readonly body: unknown } {
  const header = readRequestHeader(frame, apis);
  if (header.api === undefined)
    throw new RangeError(`no API with key ${header.apiKey} and version ${header.apiVersion}`);
  return { ...header, body: decode(header.api.request, header.apiVersion, frame, header.bodyPosition) };
}

/**
 * Version of the response header. An ApiVersions answer always has version 0: a client that asked in a version which
 * the broker does not know must be able to read the refusal.
 */
export function responseHeaderVersion(response: Message, version: number): 0 | 1 {
  return response.key !== API_VERSIONS_KEY && isFlexible(response, version) ? 1 : 0;
}

/** A whole response frame, length prefix included, as the chunks to send; see `encode`. */
export function encodeResponse<Response extends Message>(
  response: Response,
  version: number,
  correlationId: number,
  draft: Draft<Response>,
): Buffer[] {
  const headerBytes = responseHeaderVersion(response, version) === 1 ? 5 : 4;
  return encodeFrame(response, version, draft, (scratch, position) => {
    // The scratch always holds these first bytes.
    scratch.view.setInt32(position, correlationId);
    if (headerBytes === 5) scratch.bytes[position + 4] = 0;
    return position + headerBytes;
  });
}

/** Reads a response frame without its length prefix. Throws MalformedFrame. */
export function decodeResponse<Response extends Message>(
  response: Response,
  version: number,
  frame: Buffer,
): { readonly correlationId: number; readonly body: Of<Response> } {
  const header = readerOf(responseHeader, responseHeaderVersion(response, version))(frame, 0, frame.length, at) as Of<
    typeof responseHeader
  >;
  return { correlationId: header.correlationId, body: decode(response, version, frame, at.position) };
}

/** A whole request frame, length prefix included, as the chunks to send; see `encode`. */
export function encodeRequest<Request extends Message>(
  request: Request,
  version: number,
  header: { readonly correlationId: number; readonly clientId: string | null },
  draft: Draft<Request>,
): Buffer[] {
  const { key } = request;
  if (key === undefined) throw new RangeError(`${request.name} is no request`);
  return encodeFrame(request, version, draft, (scratch: Scratch, position: number) => {
    const value: Draft<typeof requestHeader> = { requestApiKey: key, requestApiVersion: version, ...header };
    const end = writerOf(requestHeader, 1)(scratch, position, value);
    return isFlexible(request, version) ? writerOf(requestHeaderTags, 2)(scratch, end, {}) : end;
  });
}
