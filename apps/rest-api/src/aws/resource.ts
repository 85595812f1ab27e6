import type { Stream } from '@tailrace/shard-core';
import { invalidArgument } from './aws-error.ts';
import { canonicalArn } from './canonical-arn.ts';
import { parseConsumerArn } from './consumers/consumer.ts';
import { existingConsumer, type NamedConsumer } from './consumers/consumer-reference.ts';
import type { OperationContext } from './operation.ts';
import { parseStreamArn } from './stream-arn.ts';
import type { Tags } from './tags.ts';

type Context = Pick<OperationContext, 'streams' | 'consumers'>;

/** What a ResourceARN names: a stream, or a consumer of it. */
export interface NamedResource {
  /** As this service writes it, whatever the request wrote. */
  readonly arn: string;
  readonly stream: Stream;
  readonly consumer: NamedConsumer['consumer'] | undefined;
  /** Of the stream, for texts. */
  readonly place: { readonly streamName: string; readonly account: string };
}

/**
 * Finds a stream or a consumer by its ARN. Throws InvalidArgumentException for an ARN of something else,
 * ResourceNotFoundException.
 */
export async function existingResource(arn: string, context: Context): Promise<NamedResource> {
  const parts = parseStreamArn(arn);
  if (parts !== undefined) {
    const stream = await context.streams.existing({ StreamARN: arn });
    return { arn: canonicalArn(arn), stream, consumer: undefined, place: parts };
  }
  if (parseConsumerArn(arn) === undefined) {
    throw invalidArgument(`ResourceARN ${arn} is not the ARN of a stream or of a consumer.`);
  }
  return { arn: canonicalArn(arn), ...(await existingConsumer({ ConsumerARN: arn }, context)) };
}

export function tagsOf({ stream, consumer }: NamedResource): Tags {
  return consumer?.tags ?? stream.document.tags ?? {};
}

/** Changes the tags in one step; `change` may be called again on newer ones. Throws what `change` throws. */
export async function changeTags(
  { arn, consumer, place }: NamedResource,
  change: (present: Tags) => Tags,
  { streams, consumers }: Context,
): Promise<void> {
  if (consumer !== undefined) {
    await consumers.changeTags(consumer, place, change);
    return;
  }
  await streams.change({ StreamARN: arn }, (document) => ({ ...document, tags: change(document.tags ?? {}) }), {
    whileUpdating: true,
  });
}
