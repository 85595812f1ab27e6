import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect as connectPlain, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@tailrace/telemetry';
import {
  type CertificateFiles,
  eventually,
  opensslIsHere,
  temporaryDirectory,
  type TemporaryDirectory,
  TestAuthority,
} from '@tailrace/testkit';
import { ServerTls, type TlsDoor, type TlsFiles } from './server-tls.ts';

const title = opensslIsHere ? 'TLS' : 'TLS: SKIPPED, there is no openssl';

(opensslIsHere ? describe : describe.skip)(title, () => {
  let directory: TemporaryDirectory;
  let authority: TestAuthority;
  let certificate: CertificateFiles;
  let logged: Record<string, unknown>[];
  let opened: { close(): unknown }[];

  beforeEach(async () => {
    directory = await temporaryDirectory();
    authority = new TestAuthority(directory.path);
    certificate = authority.server();
    logged = [];
    opened = [];
  });
  afterEach(async () => {
    for (const one of opened) await one.close();
    await directory.remove();
  });

  const open = async (more: Partial<TlsFiles> = {}, intervalMs = 10): Promise<ServerTls> => {
    const destination = { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) };
    const logger = createLogger({ level: 'debug', readable: false, destination });
    const tls = await ServerTls.open({ ...certificate, minVersion: 'TLSv1.2', ...more }, logger, { intervalMs });
    opened.push(tls);
    return tls;
  };
  const listen = async (tls: ServerTls, options: TlsDoor = {}) => {
    const server: Server = createServer(tls.options(options));
    tls.serve(server, 'kafka', (socket: TLSSocket) => socket.end(socket.authorized ? 'known' : 'hello'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    opened.push(server);
    return (server.address() as AddressInfo).port;
  };
  const ca = () => readFileSync(authority.certificate);
  const greet = async (
    port: number,
    more: object = {},
  ): Promise<{ text: string; serial: string; protocol: string | null }> => {
    const socket = connect({ port, host: '127.0.0.1', ca: ca(), ...more });
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(socket, 'secureConnect');
    const serial = socket.getPeerX509Certificate()?.serialNumber ?? '';
    const protocol = socket.getProtocol();
    await once(socket, 'close');
    return { text, serial, protocol };
  };
  const reasons = () => logged.flatMap(({ reason }) => (typeof reason === 'string' ? [reason] : []));

  it('speaks 1.2 and 1.3, and nothing older', async () => {
    const port = await listen(await open());
    expect(await greet(port)).toMatchObject({ text: 'hello', protocol: 'TLSv1.3' });
    expect(await greet(port, { maxVersion: 'TLSv1.2' })).toMatchObject({ text: 'hello', protocol: 'TLSv1.2' });
    const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' };
    await expect(greet(port, old)).rejects.toThrow();
    await eventually(() => expect(reasons()).toEqual(['the client offers only versions of TLS that are too old']));
    const strict = await listen(await open({ minVersion: 'TLSv1.3' }));
    await expect(greet(strict, { maxVersion: 'TLSv1.2' })).rejects.toThrow();
  });

  it('takes up a renewed certificate, and keeps the one before when the new one is of no use', async () => {
    const [path, key] = [join(directory.path, 'live.pem'), join(directory.path, 'live.key')];
    const put = (files: CertificateFiles) => {
      copyFileSync(files.certificate, path);
      copyFileSync(files.key, key);
    };
    put(certificate);
    const port = await listen(await open({ certificate: path, key }));
    const before = (await greet(port)).serial;
    writeFileSync(path, 'no certificate');
    await eventually(() => expect(logged.some(({ msg }) => String(msg).includes('cannot be used'))).toBe(true));
    expect((await greet(port)).serial).toBe(before);
    put(authority.server());
    await eventually(async () => expect((await greet(port)).serial).not.toBe(before));
    expect(logged.at(-1)).toMatchObject({ msg: 'TLS: new connections get the renewed certificate' });
  });

  it('asks for certificates, takes those of its authority, and turns away all others', async () => {
    const tls = await open({ clientCa: authority.certificate });
    const port = await listen(tls, { clientCertificates: 'asked' });
    const credentials = ({ certificate: cert, key }: CertificateFiles) => ({
      cert: readFileSync(cert),
      key: readFileSync(key),
    });
    expect(await greet(port)).toMatchObject({ text: 'hello' });
    expect(await greet(port, credentials(authority.client('/CN=shop')))).toMatchObject({ text: 'known' });
    const stranger = new TestAuthority(directory.path, 'other').client('/CN=shop');
    expect(await greet(port, credentials(stranger))).toMatchObject({ text: '' });
    expect(reasons()).toEqual([expect.stringContaining("the client's certificate is not accepted")]);
    const required = await listen(tls, { clientCertificates: 'required' });
    expect(await greet(required, credentials(authority.client('/CN=shop')))).toMatchObject({ text: 'known' });
    await greet(required).catch(() => undefined);
    await eventually(() => expect(reasons().at(-1)).toBe('the client shows no certificate, and one is required'));
  });

  it.each([
    ['the client speaks plain text to a TLS port', Buffer.from('0000001a00120003', 'hex')],
    ['a plain HTTP request came to a TLS port', Buffer.from('POST / HTTP/1.1\r\nhost: x\r\n\r\n')],
  ])('says that %s, and closes', async (reason, bytes) => {
    const port = await listen(await open());
    const socket = connectPlain(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(bytes);
    await once(socket, 'close');
    await eventually(() => expect(reasons()).toEqual([reason]));
  });

  it('says which file is missing or of no use, and warns of certificates that end soon', async () => {
    await expect(open({ key: join(directory.path, 'none.key') })).rejects.toMatchObject({
      name: 'ReadableFailure',
      message: expect.stringMatching(/^The TLS key .*none\.key cannot be read: ENOENT/),
    });
    await expect(open({ key: authority.server().key })).rejects.toMatchObject({
      name: 'ReadableFailure',
      message: expect.stringContaining('cannot be used together'),
    });
    certificate = authority.server(2);
    await open();
    expect(logged).toEqual([expect.objectContaining({ msg: 'TLS: the certificate expires soon' })]);
  });
});
