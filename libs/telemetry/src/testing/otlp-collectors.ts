import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';

/** One export as it came in. */
export interface ReceivedExport {
  readonly path: string | undefined;
  readonly contentType: string | undefined;
  readonly headers: Record<string, unknown>;
  readonly body: Buffer;
}

/** An OTLP collector for HTTP that keeps what it gets, or (`mute`) takes requests and never answers. */
export class HttpCollector {
  readonly received: ReceivedExport[] = [];
  readonly #unanswered: ServerResponse[] = [];
  readonly #server: Server;

  constructor(mute = false) {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { url: path, headers } = request;
        this.received.push({ path, contentType: headers['content-type'], headers, body: Buffer.concat(chunks) });
        if (mute) this.#unanswered.push(response);
        // An empty message, in either format.
        else response.end(headers['content-type'] === 'application/json' ? '{}' : '');
      });
    });
  }

  /** Its base URL. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Answers what a mute collector has left open, so that the exporter lets go. */
  async relent(): Promise<void> {
    const answers = this.#unanswered.map(
      (response) => new Promise((resolve) => response.end('{}', () => resolve(true))),
    );
    await Promise.all(answers);
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** An OTLP collector for gRPC: any call is answered with an empty message and status 0. */
export class GrpcCollector {
  readonly received: ReceivedExport[] = [];
  readonly #server: Http2Server = createHttp2Server();
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor() {
    this.#server.on('session', (session) => this.#sessions.add(session));
    this.#server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { ':path': path, 'content-type': contentType } = headers;
        this.received.push({ path, contentType, headers, body: Buffer.concat(chunks) });
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.alloc(5));
      });
    });
  }

  /** Its base URL. */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
    this.#server.close();
  }
}
