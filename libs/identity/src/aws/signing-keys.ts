import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** More than the access keys a process meets in a day times their regions; one takes some 300 bytes. */
export const SIGNING_KEYS_MAX = 1_000;

interface SigningKey {
  /** What it was derived from: an access key that was made anew under its old id has another secret. */
  readonly secret: string;
  readonly key: KeyObject;
}

/** The parts of `Credential=<access key id>/<date>/<region>/<service>/aws4_request`. */
export interface CredentialScope {
  /** `20150830` */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/** The key of one access key for one day, region and service: four HMACs, which are the same for a day. */
export function deriveSigningKey(secret: string, { date, region, service }: CredentialScope): KeyObject {
  let key: Buffer = Buffer.from(`AWS4${secret}`, 'utf8');
  for (const part of [date, region, service, 'aws4_request']) key = createHmac('sha256', key).update(part).digest();
  return createSecretKey(key);
}

/** Signing keys of late, the oldest going first. */
export class SigningKeys {
  readonly #keys = new Map<string, SigningKey>();

  get size(): number {
    return this.#keys.size;
  }

  /** `credential`: access key id and scope, which name one signing key. */
  find(credential: string, secret: string): KeyObject | undefined {
    const found = this.#keys.get(credential);
    return found?.secret === secret ? found.key : undefined;
  }

  /** Only of requests whose signature was right: what strangers invent pushes nothing out. */
  keep(credential: string, secret: string, key: KeyObject): void {
    this.#keys.delete(credential);
    if (this.#keys.size >= SIGNING_KEYS_MAX) {
      const [oldest] = this.#keys.keys();
      this.#keys.delete(oldest as string);
    }
    this.#keys.set(credential, { secret, key });
  }
}
