import type { AwsError } from '../aws-error.ts';
import type { WireCodec, WireStructure } from '../wire/wire-codec.ts';
import { encodeFrame, encodeHeaders } from './event-frame.ts';

/** The frames of one stream of events, with contents as the codec writes them. */
export class EventFrames {
  readonly #codec: WireCodec;
  readonly #eventHeaders: Buffer;

  /** `eventType`: the member of the service model's union that each event is. */
  constructor(codec: WireCodec, eventType: string) {
    this.#codec = codec;
    this.#eventHeaders = eventHeaders(codec, eventType);
  }

  /**
   * What comes before the first event: the members of the answer outside the stream, of which there are none. boto3 and
   * the Go library refuse a stream that begins with anything else.
   */
  initialResponse(): Buffer {
    return encodeFrame(eventHeaders(this.#codec, 'initial-response'), this.#codec.encode({}));
  }

  /** `contents` in the form that the codec writes. */
  event(contents: Buffer | string): Buffer {
    return encodeFrame(this.#eventHeaders, contents);
  }

  /** The last frame of a stream that fails. `type` is a member of the union, as client libraries look for it there. */
  exception({ type, message }: Pick<AwsError, 'type' | 'message'>): Buffer {
    const contents: WireStructure = { message };
    const headers = encodeHeaders({
      ':message-type': 'exception',
      ':exception-type': type,
      ':content-type': this.#codec.mediaType,
    });
    return encodeFrame(headers, this.#codec.encode(contents));
  }
}

function eventHeaders({ mediaType }: WireCodec, eventType: string): Buffer {
  return encodeHeaders({ ':message-type': 'event', ':event-type': eventType, ':content-type': mediaType });
}
