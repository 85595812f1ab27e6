import { execFileSync } from 'node:child_process';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PASSWORD = 'librdkafka';
const DAYS = '2';

export interface Certificates {
  readonly ca: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
  /** The server's key and certificate, and the authority, as Java wants them. */
  readonly keystore: string;
  readonly truststore: string;
  readonly password: string;
  /** What test.conf says of the client's certificate. */
  readonly conf: Readonly<Record<string, string>>;
  /** The same in every form, under the names that the suite's own set-up exports. */
  readonly env: Readonly<Record<string, string>>;
}

/** An authority, one that nobody knows, a server's and a client's certificate, in `folder`. Needs openssl, and keytool of Java. */
export function makeCertificates(folder: string): Certificates {
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const authority = (name: string) => {
    const [key, pem] = [at(`${name}.key`), at(`${name}.pem`)];
    const subject = ['-subj', `/CN=${name}`, '-days', DAYS];
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', pem, ...subject);
    return { key, pem };
  };
  const [ca, unused] = [authority('ca'), authority('unused-ca')];
  const signed = (name: string, key: readonly string[], extensions: string) => {
    const [request, pem, extensionFile] = [at(`${name}.req`), at(`${name}.pem`), at(`${name}.ext`)];
    openssl('req', '-new', ...key, '-out', request, '-subj', `/CN=${name}`);
    writeFileSync(extensionFile, extensions);
    const by = ['-CA', ca.pem, '-CAkey', ca.key, '-CAcreateserial', '-days', DAYS];
    openssl('x509', '-req', '-in', request, ...by, '-extfile', extensionFile, '-out', pem);
    // The chain, as the suite's own set-up makes it.
    appendFileSync(pem, readFileSync(ca.pem));
    return pem;
  };
  const serverKey = at('server.key');
  openssl('genrsa', '-out', serverKey, '2048');
  const server = signed('server', ['-key', serverKey], 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const clientKey = at('client.key');
  const [passIn, passOut] = [`pass:${PASSWORD}`, `pass:${PASSWORD}`];
  openssl('genrsa', '-aes256', '-passout', passOut, '-out', clientKey, '2048');
  const client = signed('client', ['-key', clientKey, '-passin', passIn], 'extendedKeyUsage=clientAuth\n');

  const [clientPkcs, keystore, truststore] = [at('client.pfx'), at('server.p12'), at('ca.p12')];
  const pkcs12 = (out: string, key: string, pem: string) =>
    openssl('pkcs12', '-export', '-out', out, '-inkey', key, '-in', pem, '-passin', passIn, '-passout', passOut);
  pkcs12(clientPkcs, clientKey, client);
  pkcs12(keystore, serverKey, server);
  const trust = ['-importcert', '-noprompt', '-file', ca.pem, '-keystore', truststore, '-storepass', PASSWORD];
  execFileSync('keytool', [...trust, '-storetype', 'PKCS12', '-alias', 'ca'], { stdio: 'ignore' });
  const [clientDer, clientKeyDer, caDer, allCas] = [
    at('client.der'),
    at('client-key.der'),
    at('ca.der'),
    at('all.pem'),
  ];
  openssl('x509', '-outform', 'der', '-in', client, '-out', clientDer);
  openssl('rsa', '-outform', 'der', '-passin', passIn, '-in', clientKey, '-out', clientKeyDer);
  openssl('x509', '-outform', 'der', '-in', ca.pem, '-out', caDer);
  writeFileSync(allCas, Buffer.concat([readFileSync(unused.pem), readFileSync(ca.pem)]));
  return {
    ca: ca.pem,
    serverCertificate: server,
    serverKey,
    keystore,
    truststore,
    password: PASSWORD,
    conf: {
      'security.protocol': 'ssl',
      'ssl.ca.location': ca.pem,
      'ssl.certificate.location': client,
      'ssl.key.location': clientKey,
      'ssl.key.password': PASSWORD,
    },
    env: {
      SSL_pkcs: clientPkcs,
      SSL_pub_der: clientDer,
      SSL_pub_pem: client,
      SSL_priv_der: clientKeyDer,
      SSL_priv_pem: clientKey,
      SSL_ca_pem: ca.pem,
      SSL_ca_der: caDer,
      SSL_all_cas_pem: allCas,
      SSL_password: PASSWORD,
      SSL_client_auth: 'required',
    },
  };
}
