import { invalidArgument } from './aws-error.ts';
import type { RefusalPlace } from './refusal-errors.ts';
import type { WireStructure } from './wire/wire-codec.ts';

/** https://docs.aws.amazon.com/streams/latest/dev/tagging.html */
export const TAGS_PER_STREAM_MAX = 50;
/** A colon is not among those that the service's text names, and is taken by it. */
const VALID = /^[\p{L}\p{N}\p{Z}_.:/=+\-%@]*$/u;
const RESERVED_PREFIX = 'aws:';

export type Tags = Readonly<Record<string, string>>;

/** The tags of a stream with further ones. Throws InvalidArgumentException. */
export function withTags(present: Tags = {}, added: Tags, place: RefusalPlace): Tags {
  checkCharacters([...Object.keys(added), ...Object.values(added)], 'add tags to', place);
  const merged = { ...present, ...added };
  if (Object.keys(merged).length > TAGS_PER_STREAM_MAX) {
    throw invalidArgument(
      `Failed to add tags to ${streamText(place)} ` +
        `because a given stream cannot have more than ${TAGS_PER_STREAM_MAX} tags associated with it.`,
    );
  }
  return merged;
}

/** Those left without some keys; keys that are not there are passed over. Throws InvalidArgumentException. */
export function withoutTags(present: Tags = {}, keys: readonly string[], place: RefusalPlace): Tags {
  checkCharacters(keys, 'remove tags from', place);
  const removed = new Set(keys);
  return Object.fromEntries(Object.entries(present).filter(([key]) => !removed.has(key)));
}

/** Sorted by key, as the service lists them. */
export function listTags(tags: Tags = {}): readonly (WireStructure & { Key: string })[] {
  return Object.entries(tags)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([Key, Value]) => ({ Key, Value }));
}

function checkCharacters(
  texts: readonly string[],
  doing: 'add tags to' | 'remove tags from',
  place: RefusalPlace,
): void {
  if (!texts.every((text) => VALID.test(text))) {
    throw invalidArgument(
      'Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @.',
    );
  }
  const because = (reason: string) => invalidArgument(`Failed to ${doing} ${streamText(place)} because ${reason}`);
  // The service names the percent sign among the valid ones, and then refuses it.
  if (texts.some((text) => text.includes('%'))) {
    throw because(
      "some tags contained illegal characters. The allowed characters are Unicode letters, white-spaces, '_',',','/','=','+','-','@'.",
    );
  }
  if (texts.some((text) => text.toLowerCase().startsWith(RESERVED_PREFIX))) {
    throw because(`some tags start with ${RESERVED_PREFIX}, which is reserved.`);
  }
}

function streamText({ streamName, account }: RefusalPlace): string {
  return `stream ${streamName} under account ${account}`;
}
