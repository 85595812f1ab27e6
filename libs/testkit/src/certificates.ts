import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate and its key, as files of PEM. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

export const opensslIsHere: boolean = spawnSync('openssl', ['version']).status === 0;

/** An authority of a test's own, in a directory, and what it signs. Needs `openssl`. */
export class TestAuthority {
  readonly #directory: string;
  readonly #name: string;
  /** The authority's certificate, as a file of PEM. */
  readonly certificate: string;
  readonly #key: string;
  #count = 0;

  constructor(directory: string, name = 'ca') {
    this.#directory = directory;
    this.#name = name;
    this.certificate = join(directory, `${name}.pem`);
    this.#key = join(directory, `${name}.key`);
    openssl([
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'],
      ...['-subj', `/O=Example/CN=${name}`, '-keyout', this.#key, '-out', this.certificate],
    ]);
  }

  /** For a server on loopback. */
  server(days = 30): CertificateFiles {
    return this.#sign('/CN=localhost', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1', days);
  }

  /** For a client; `subject` the most general part first: `/O=Example/OU=tills/CN=shop`. */
  client(subject: string): CertificateFiles {
    return this.#sign(subject, 'extendedKeyUsage=clientAuth', 30);
  }

  #sign(subject: string, extension: string, days: number): CertificateFiles {
    const name = join(this.#directory, `${this.#name}-${this.#count++}`);
    const files = { certificate: `${name}.pem`, key: `${name}.key` };
    openssl([
      ...['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', subject, '-utf8'],
      ...['-keyout', files.key, '-out', `${name}.csr`],
    ]);
    writeFileSync(`${name}.ext`, extension);
    openssl([
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', this.certificate, '-CAkey', this.#key, '-CAcreateserial'],
      ...['-days', String(days), '-extfile', `${name}.ext`, '-out', files.certificate],
    ]);
    return files;
  }
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
