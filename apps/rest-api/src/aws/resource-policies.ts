import { type Policy, readPolicy } from '@tailrace/identity';
import type { Documents } from '@tailrace/shard-core';
import { invalidArgument } from './aws-error.ts';
import type { NamedResource } from './resource.ts';

export const POLICY_PREFIX = 'policy/';
/** Policies that are looked at in one step when a stream goes. */
const PAGE = 500;

/** What is kept of a policy, in a document `policy/<arn>`. */
interface PolicyDocument {
  /** A stream that was deleted and made again has none of the policies of the first. */
  readonly streamId: string;
  /** As it was put, character by character. */
  readonly policy: string;
}

/**
 * Who else may use a stream or a consumer: one policy for each ARN. They are asked where requests are authorized
 * (`find`), and are nothing but text where nobody authenticates. Everything here throws StoreUnavailable.
 */
export class ResourcePolicies {
  readonly #documents: Documents;

  constructor(documents: Documents) {
    this.#documents = documents;
  }

  /** The policy's text; `undefined`: there is none. */
  async text(arn: string, streamId: string): Promise<string | undefined> {
    const stored = await this.#documents.get(POLICY_PREFIX + arn);
    if (stored === undefined) return undefined;
    const document = JSON.parse(stored.value) as PolicyDocument;
    return document.streamId === streamId ? document.policy : undefined;
  }

  /** The policy ready to be asked; `undefined`: there is none. */
  async find(arn: string, streamId: string): Promise<Policy | undefined> {
    const text = await this.text(arn, streamId);
    if (text === undefined) return undefined;
    const read = readPolicy('resource', text);
    if (read.ok) return read.policy;
    throw new Error(`the policy of ${arn} was put and cannot be read: ${read.problem}`);
  }

  /** Throws InvalidArgumentException for what is no policy. */
  async put({ arn, stream }: NamedResource, policy: string): Promise<void> {
    const read = readPolicy('resource', policy);
    if (!read.ok) throw invalidArgument(read.problem);
    const document: PolicyDocument = { streamId: stream.id, policy };
    await this.#documents.write([{ key: POLICY_PREFIX + arn, value: JSON.stringify(document), expected: 'any' }]);
  }

  async remove(arn: string): Promise<void> {
    await this.#documents.write([{ key: POLICY_PREFIX + arn, value: undefined, expected: 'any' }]);
  }

  /** Forgets the policies of a stream that is gone, and of its consumers: they differ in account and region. */
  async removeAll(streamId: string): Promise<void> {
    let after: string | undefined;
    for (;;) {
      const page = await this.#documents.list(POLICY_PREFIX, { limit: PAGE, ...(after !== undefined && { after }) });
      const gone = page.filter(({ value }) => (JSON.parse(value) as PolicyDocument).streamId === streamId);
      if (gone.length > 0) {
        await this.#documents.write(gone.map(({ key }) => ({ key, value: undefined, expected: 'any' as const })));
      }
      if (page.length < PAGE) return;
      after = page.at(-1)?.key;
    }
  }
}
