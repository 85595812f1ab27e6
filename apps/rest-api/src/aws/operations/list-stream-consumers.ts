import { describeConsumer } from '../consumers/consumer.ts';
import { invalidArgument } from '../aws-error.ts';
import { nextToken, pageLimit, streamArn } from '../members.ts';
import { streamNotFound } from '../named-streams.ts';
import { operation } from '../operation.ts';
import { openPageToken, sealPageToken } from '../page-token.ts';
import { required, timestamp } from '../wire/shapes.ts';

const LISTING = 'list-stream-consumers';
/** The service's page when nothing else is asked for, and its largest. */
const CONSUMERS_PER_PAGE_MAX = 100;

interface Page {
  readonly streamId: string;
  /** The name of the last consumer that was shown. */
  readonly behind: string;
}

/**
 * ListStreamConsumers: the consumers of a stream in the order of their names, in pages.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListStreamConsumers.html
 * 1 ValidationException  2 InvalidArgumentException  3 ExpiredNextTokenException  4 ResourceNotFoundException
 */
export const listStreamConsumers = operation({
  name: 'ListStreamConsumers',
  input: {
    StreamARN: required(streamArn),
    NextToken: nextToken,
    MaxResults: pageLimit,
    StreamCreationTimestamp: timestamp(),
  },
  async run(input, { streams, consumers, tokens, clock }) {
    const { StreamARN, NextToken, MaxResults = CONSUMERS_PER_PAGE_MAX, StreamCreationTimestamp } = input;
    if (NextToken !== undefined && StreamCreationTimestamp !== undefined) {
      throw invalidArgument('NextToken and StreamCreationTimestamp cannot be provided together.'); // 2
    }
    const page = NextToken === undefined ? undefined : openPageToken<Page>(tokens, LISTING, NextToken, clock()); // 2, 3
    const stream = await streams.existing({ StreamARN }); // 4
    const { createdAtMs } = stream.document;
    const isOther =
      (page !== undefined && page.streamId !== stream.id) ||
      // Clients may have got whole seconds.
      (StreamCreationTimestamp !== undefined &&
        Math.floor(StreamCreationTimestamp / 1000) !== Math.floor(createdAtMs / 1000));
    if (isOther) throw streamNotFound(streams.nameOf({ StreamARN })); // 4
    const limit = Math.min(MaxResults, CONSUMERS_PER_PAGE_MAX);
    const found = await consumers.list(stream.id, {
      limit: limit + 1,
      ...(page !== undefined && { after: page.behind }),
    });
    const shown = found.slice(0, limit);
    const last = shown.at(-1);
    return {
      Consumers: shown.map((consumer) => describeConsumer(StreamARN, consumer)),
      NextToken:
        last === undefined || found.length === shown.length
          ? undefined
          : sealPageToken(tokens, LISTING, { streamId: stream.id, behind: last.name } satisfies Page, clock()),
    };
  },
});
