import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';

/** What the signer wants of a hash. */
class Sha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Buffer);
  }

  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
}

export interface SdkSignerOptions {
  readonly accessKeyId: string;
  readonly secret: string;
  readonly region?: string;
  readonly service?: string;
  readonly sessionToken?: string;
}

/** The signer of AWS's JavaScript SDK. */
export function sdkSigner({
  accessKeyId,
  secret,
  region = 'eu-west-1',
  service = 'kinesis',
  sessionToken,
}: SdkSignerOptions): SignatureV4 {
  return new SignatureV4({
    credentials: { accessKeyId, secretAccessKey: secret, ...(sessionToken !== undefined && { sessionToken }) },
    region,
    service,
    sha256: Sha256,
  });
}
