import type { IncomingMessage } from 'node:http';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import type { Transform } from 'node:stream';
import type { z } from 'zod';
import type { BodyBudget } from '../http/body-budget.ts';
import { parseJson } from './json-text.ts';
import { NDJSON_MEDIA_TYPE } from './media-type.ts';
import { invalidJson, invalidRequest, Problem } from './problem.ts';
import { validate } from './validation.ts';

/** As large as what a socket hands on. */
const CHUNK_BYTES = 64 * 1024;
const decompressors: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip({ chunkSize: CHUNK_BYTES }),
  'x-gzip': () => createGunzip({ chunkSize: CHUNK_BYTES }),
  deflate: () => createInflate({ chunkSize: CHUNK_BYTES }),
  br: () => createBrotliDecompress({ chunkSize: CHUNK_BYTES }),
  zstd: () => createZstdDecompress({ chunkSize: CHUNK_BYTES }),
};
export const CONTENT_ENCODINGS = ['identity', 'gzip', 'deflate', 'br', 'zstd'] as const;

/** A request's body, read once and in one of three ways, each of them bounded. */
export class RequestBody {
  readonly mediaType: string;
  readonly #request: IncomingMessage;
  readonly #budget: BodyBudget;
  #heldBytes = 0;
  readonly #decompress: (() => Transform) | undefined;

  /** Throws a Problem (415) for a content encoding that is not known. */
  constructor(request: IncomingMessage, mediaType: string, budget: BodyBudget) {
    this.#request = request;
    this.#budget = budget;
    this.mediaType = mediaType;
    const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
    if (encoding === 'identity') return;
    this.#decompress = Object.hasOwn(decompressors, encoding) ? decompressors[encoding] : undefined;
    if (this.#decompress === undefined) {
      throw new Problem({
        status: 415,
        code: 'unsupportedContentEncoding',
        title: 'Unsupported content encoding',
        detail: `Content-Encoding ${encoding} is not known; use one of ${CONTENT_ENCODINGS.join(', ')}.`,
        headers: { 'Accept-Encoding': CONTENT_ENCODINGS.join(', ') },
      });
    }
  }

  /**
   * The body as it comes, decompressed. Not reading on stops the sender (TCP's and HTTP/2's own flow control).
   * Throws a Problem when the client breaks off or the compression is corrupt.
   */
  async *chunks(): AsyncGenerator<Buffer> {
    const source = this.#request;
    const stream = this.#decompress === undefined ? source : source.pipe(this.#decompress());
    // A pipe does not hand on errors: without this a client that breaks off would leave the reader waiting for ever.
    const broken = (): void => {
      stream.destroy(new Error('the client broke off'));
    };
    if (stream !== source) source.once('close', () => !source.readableEnded && broken()).once('error', broken);
    try {
      // An early end must not destroy the request: its socket carries the answer.
      for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
    } catch (error) {
      throw new Problem(
        {
          status: 400,
          code: 'bodyBroken',
          title: 'Body broken off',
          detail: 'The body ended before its end, or its compression is corrupt.',
        },
        { cause: error },
      );
    } finally {
      if (stream !== source) {
        source.unpipe();
        stream.destroy();
      }
    }
  }

  /**
   * The whole body. Throws a Problem: 413 above the bound, before anything is read if its length is announced; 503 where the
   * bodies of all requests hold as much as they may. Its bytes count until `release`.
   */
  async bytes(bytesMax: number): Promise<Buffer> {
    const announced = Number(this.#request.headers['content-length']);
    if (this.#decompress === undefined && announced > bytesMax) throw bodyTooLarge(bytesMax);
    const chunks: Buffer[] = [];
    let byteCount = 0;
    for await (const chunk of this.chunks()) {
      byteCount += chunk.length;
      if (byteCount > bytesMax) throw bodyTooLarge(bytesMax);
      if (!this.#budget.take(chunk.length)) throw tooManyBodies();
      this.#heldBytes += chunk.length;
      chunks.push(chunk);
    }
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, byteCount);
  }

  /** The request has been dealt with: nobody needs the bytes any more. */
  release(): void {
    this.#budget.giveBack(this.#heldBytes);
    this.#heldBytes = 0;
  }

  /** The whole body as JSON. Throws Problems: 413, 400 with the position. */
  async parsed(bytesMax: number): Promise<unknown> {
    const parsed = parseJson(await this.bytes(bytesMax));
    if (parsed.ok) return parsed.value;
    throw invalidJson(parsed.error);
  }

  /** Throws a Problem (400) with every complaint. */
  checked<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
    const result = validate(schema, value);
    if (!result.ok) throw invalidRequest(result.errors);
    return result.value;
  }

  /** The whole body as JSON, checked. */
  async json<T extends z.ZodType>(schema: T, bytesMax: number): Promise<z.output<T>> {
    return this.checked(schema, await this.parsed(bytesMax));
  }
}

function bodyTooLarge(bytesMax: number): Problem {
  return new Problem({
    status: 413,
    code: 'bodyTooLarge',
    title: 'Body too large',
    detail: `The body is larger than ${bytesMax} bytes; send less at once, or ${NDJSON_MEDIA_TYPE}, which has no bound.`,
  });
}

function tooManyBodies(): Problem {
  return new Problem({
    status: 503,
    code: 'tooManyBodies',
    title: 'Too many requests under way',
    detail: 'The bodies of the requests under way are as large as this process can hold; try again.',
    retryable: true,
    retryAfterMs: 1000,
  });
}
