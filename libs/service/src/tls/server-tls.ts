import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContextOptions, type Server, type TlsOptions, type TLSSocket } from 'node:tls';
import type { Logger } from '@tailrace/telemetry';
import { ReadableFailure } from '../readable-failure.ts';
import { explainTlsFailure } from './tls-failure.ts';

/** How often the files are looked at for a renewed certificate. */
export const TLS_RELOAD_INTERVAL_MS = 10_000;
/** How long a client may take for its handshake. */
export const TLS_HANDSHAKE_MS_MAX = 10_000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** From here on a certificate that nobody has renewed is worth a line at each start. */
const EXPIRES_SOON_MS = 7 * DAY_MS;

export interface TlsFiles {
  /** PEM: the certificate, and behind it those that lead to its root. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  readonly passphrase?: string | undefined;
  /** PEM: those whose certificates clients may show. */
  readonly clientCa?: string | undefined;
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

export interface TlsDoor {
  /** What is spoken over it, the dearest first (ALPN). */
  readonly protocols?: readonly string[];
  /** Whether clients are asked for a certificate, and turned away without one. */
  readonly clientCertificates?: 'asked' | 'required' | 'no';
}

/**
 * TLS for the doors. The files are read at the start, and again when they change: connections from then on get the renewed
 * certificate; a file that cannot be used leaves the one before in place, and a line in the log.
 */
export class ServerTls {
  readonly #files: TlsFiles;
  readonly #logger: Logger;
  readonly #servers = new Set<Server>();
  readonly #timer: NodeJS.Timeout;
  #context: SecureContextOptions;
  #reading: Promise<void> | undefined;

  private constructor(files: TlsFiles, logger: Logger, context: SecureContextOptions, intervalMs: number) {
    this.#files = files;
    this.#logger = logger;
    this.#context = context;
    this.#timer = setInterval(() => {
      this.#reading ??= this.#reload().finally(() => (this.#reading = undefined));
    }, intervalMs);
    this.#timer.unref();
  }

  /** Throws ReadableFailure where a file is missing, or is not what it should be. */
  static async open(
    files: TlsFiles,
    logger: Logger,
    { intervalMs = TLS_RELOAD_INTERVAL_MS }: { readonly intervalMs?: number } = {},
  ): Promise<ServerTls> {
    const context = await readContext(files);
    warnOfExpiry(context, files, logger);
    return new ServerTls(files, logger, context, intervalMs);
  }

  /** Whether clients can be asked for certificates. */
  get knowsClientCa(): boolean {
    return this.#files.clientCa !== undefined;
  }

  /** What a server of TLS, or of HTTPS, is made with. */
  options({ protocols, clientCertificates = 'no' }: TlsDoor): TlsOptions {
    return {
      ...this.#context,
      ...(protocols !== undefined && { ALPNProtocols: [...protocols] }),
      handshakeTimeout: TLS_HANDSHAKE_MS_MAX,
      requestCert: clientCertificates !== 'no' && this.knowsClientCa,
      // One that is merely asked for is looked at by `serve`: a wrong one is not taken for none.
      rejectUnauthorized: clientCertificates === 'required',
    };
  }

  /**
   * Hands over each connection of a server once its handshake is done, and renewed certificates to the server. A connection whose
   * handshake fails is closed, and the log says why. A client's certificate that is shown and not good ends the connection.
   */
  serve(server: Server, door: 'http' | 'kafka', accept: (socket: TLSSocket) => void): void {
    const told = (socket: Pick<Socket, 'remoteAddress' | 'remotePort'>, reason: string): void => {
      const client = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`;
      this.#logger.warn({ door, client, reason }, 'TLS: connection closed');
    };
    server.on('secureConnection', (socket) => {
      // Until whoever accepts it listens, an error would end the process.
      socket.on('error', () => undefined);
      if (!socket.authorized && socket.getPeerX509Certificate() !== undefined) {
        told(socket, `the client's certificate is not accepted: ${String(socket.authorizationError)}`);
        socket.destroy();
        return;
      }
      accept(socket);
    });
    server.on('tlsClientError', (error, socket) => {
      told(socket, explainTlsFailure(error));
      socket.destroy();
    });
    this.#servers.add(server);
    server.on('close', () => this.#servers.delete(server));
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#reading;
  }

  async #reload(): Promise<void> {
    let context: SecureContextOptions;
    try {
      context = await readContext(this.#files);
    } catch (error) {
      const { message } = error as Error;
      this.#logger.warn({ reason: message }, 'TLS: the renewed files cannot be used; the certificate before stays');
      return;
    }
    if (isSame(context, this.#context)) return;
    this.#context = context;
    for (const server of this.#servers) server.setSecureContext(context);
    this.#logger.info({ certificate: this.#files.certificate }, 'TLS: new connections get the renewed certificate');
    warnOfExpiry(context, this.#files, this.#logger);
  }
}

function isSame(a: SecureContextOptions, b: SecureContextOptions): boolean {
  return a.cert === b.cert && a.key === b.key && a.ca === b.ca;
}

async function readContext({
  certificate,
  key,
  passphrase,
  clientCa,
  minVersion,
}: TlsFiles): Promise<SecureContextOptions> {
  const [cert, keyText, ca] = await Promise.all([
    read('certificate', certificate),
    read('key', key),
    clientCa === undefined ? undefined : read('client CA', clientCa),
  ]);
  const options: SecureContextOptions = {
    cert,
    key: keyText,
    minVersion,
    ...(passphrase !== undefined && { passphrase }),
    ...(ca !== undefined && { ca }),
  };
  try {
    createSecureContext(options);
  } catch (error) {
    throw new ReadableFailure(
      `The TLS certificate ${certificate} and its key ${key} cannot be used together: ${(error as Error).message}`,
      { cause: error },
    );
  }
  return options;
}

async function read(what: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new ReadableFailure(`The TLS ${what} ${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

function warnOfExpiry({ cert }: SecureContextOptions, files: TlsFiles, logger: Logger): void {
  const { validTo } = new X509Certificate(cert as string);
  const leftMs = Date.parse(validTo) - Date.now();
  if (leftMs > EXPIRES_SOON_MS) return;
  const certificate = files.certificate;
  logger.warn(
    { certificate, validTo },
    leftMs <= 0 ? 'TLS: the certificate has expired' : 'TLS: the certificate expires soon',
  );
}
