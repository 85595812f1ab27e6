import { parseShardId, shardIdOf, type Stream } from '@tailrace/shard-core';
import { resourceNotFound, validationException } from './aws-error.ts';
import { type NamedStream, notActive, type StreamReference, streamNotFound } from './named-streams.ts';
import type { OperationContext } from './operation.ts';

/**
 * A stream whose shards its owner may split and merge, as it is in the store now. Throws InvalidArgumentException,
 * ResourceNotFoundException, ResourceInUseException, ValidationException.
 */
export async function reshardableStream(
  reference: StreamReference,
  { streams }: Pick<OperationContext, 'streams'>,
): Promise<{ stream: Stream; place: NamedStream }> {
  const place = streams.nameOf(reference);
  const stream = await streams.refresh(place);
  if (stream === undefined || stream.document.status === 'DELETING') throw streamNotFound(place);
  if (stream.document.status !== 'ACTIVE') throw notActive(stream, place);
  if (stream.document.mode !== 'PROVISIONED') {
    const { streamName, account } = place;
    throw validationException(
      `Request is invalid. Stream ${streamName} under account ${account} is in On-Demand mode.`,
    );
  }
  return { stream, place };
}

/** Throws ResourceNotFoundException. */
export function shardNumberIn(stream: Stream, shardId: string, { streamName, account }: NamedStream): number {
  const shardNumber = parseShardId(shardId);
  if (shardNumber !== undefined && stream.shard(shardNumber) !== undefined) return shardNumber;
  const shown = shardNumber === undefined ? shardId : shardIdOf(shardNumber);
  throw resourceNotFound(`Could not find shard ${shown} in stream ${streamName} under account ${account}.`);
}
