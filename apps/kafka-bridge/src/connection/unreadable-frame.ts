/** The bytes on a connection are no Kafka frames. The connection ends; the reason is logged. */
export class UnreadableFrame extends Error {
  override readonly name = 'UnreadableFrame';
}

const HTTP_METHODS = new Set(['GET ', 'POST', 'PUT ', 'HEAD', 'DELE', 'OPTI', 'PATC', 'CONN', 'TRAC', 'PRI ']);
/** Content type of a TLS handshake record, and the major version in the byte behind it. */
const TLS_HANDSHAKE = 0x16;
const TLS_MAJOR = 0x03;

/** Says what four bytes that are no legal frame length probably are, in words for the operator. */
export function explainFrameLength(prefix: Buffer, frameBytesMax: number): string {
  if (HTTP_METHODS.has(prefix.toString('latin1'))) return 'an HTTP request came to the Kafka port';
  if (prefix[0] === TLS_HANDSHAKE && prefix[1] === TLS_MAJOR) return 'a TLS handshake came to a plaintext Kafka port';
  const length = prefix.readInt32BE(0);
  if (length < 0) return `a frame announces a negative length (${length} bytes)`;
  return `a frame announces ${length} bytes, at most ${frameBytesMax} are taken`;
}
