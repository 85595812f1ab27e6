import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/**
 * `User:<distinguished name>` of the certificate that a client has shown and TLS has found good; `undefined` without one. The
 * name is written as Kafka writes it (RFC 2253): the most particular part first, `CN=shop,OU=tills,O=Example`.
 */
export function certificatePrincipal(socket: Socket): string | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const subject = socket.getPeerX509Certificate()?.subject;
  return subject === undefined ? undefined : `User:${distinguishedName(subject)}`;
}

/** Of a subject as node gives it: a part a line, the most general first, values escaped by RFC 2253, with ` + ` in parts of several. */
export function distinguishedName(subject: string): string {
  return subject
    .split('\n')
    .filter((part) => part !== '')
    .reverse()
    .map((part) => part.replaceAll(/ \+ (?=[A-Za-z][A-Za-z0-9.-]*=)/g, '+'))
    .join(',');
}
