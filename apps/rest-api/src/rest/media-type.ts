export const JSON_MEDIA_TYPE = 'application/json';
export const NDJSON_MEDIA_TYPE = 'application/x-ndjson';
export const BYTES_MEDIA_TYPE = 'application/octet-stream';
export const EVENT_STREAM_MEDIA_TYPE = 'text/event-stream';

/** The type of a `Content-Type` header in lower case, without parameters; `undefined` if there is none. */
export function mediaTypeOf(contentType: string | undefined): string | undefined {
  if (contentType === undefined) return undefined;
  const semicolon = contentType.indexOf(';');
  const type = (semicolon === -1 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
  return type === '' ? undefined : type;
}
