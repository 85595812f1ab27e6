/** OpenSSL's codes, in words for the operator. */
const SENTENCES: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: 'the client speaks plain text to a TLS port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the client speaks plain text to a TLS port',
  ERR_SSL_HTTP_REQUEST: 'a plain HTTP request came to a TLS port',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'the client offers only versions of TLS that are too old',
  ERR_SSL_VERSION_TOO_LOW: 'the client offers only versions of TLS that are too old',
  ERR_SSL_NO_SHARED_CIPHER: 'the client offers no cipher that is taken here',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'the client shows no certificate, and one is required',
  ERR_SSL_CERTIFICATE_VERIFY_FAILED: "the client's certificate is not accepted",
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the client does not know who signed our certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'the client does not accept our certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the client does not accept our certificate',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'the client wants a protocol that is not spoken here (ALPN)',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'the handshake did not come to an end in time',
  ECONNRESET: 'the client hung up during the handshake',
};

/** Says why a handshake failed. */
export function explainTlsFailure(error: Error & { readonly code?: string }): string {
  const { code } = error;
  return (code === undefined ? undefined : SENTENCES[code]) ?? `the handshake failed: ${error.message}`;
}

/** Content type of a handshake record of TLS, and the major version in the byte behind it. */
const HANDSHAKE = 0x16;
const MAJOR_VERSION = 0x03;

/** Whether the first bytes of a connection are those of a TLS handshake. */
export function beginsTls(bytes: Buffer): boolean {
  return bytes.length >= 2 && bytes[0] === HANDSHAKE && bytes[1] === MAJOR_VERSION;
}
