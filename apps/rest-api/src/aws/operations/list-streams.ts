import { nextToken, pageLimit, streamName } from '../members.ts';
import { operation } from '../operation.ts';
import { openPageToken, sealPageToken } from '../page-token.ts';
import { firstBehind } from '../sorted-names.ts';
import { streamArn } from '../stream-arn.ts';

const LISTING = 'list-streams';
/** The service's page when nothing else is asked for. */
const PAGE_DEFAULT = 100;

/**
 * ListStreams: the streams in the order of their names, in pages.
 * https://docs.aws.amazon.com/kinesis/latest/APIReference/API_ListStreams.html
 * 1 ValidationException  2 InvalidArgumentException  3 ExpiredNextTokenException
 */
export const listStreams = operation({
  name: 'ListStreams',
  input: { Limit: pageLimit, ExclusiveStartStreamName: streamName, NextToken: nextToken },
  async run({ Limit = PAGE_DEFAULT, ExclusiveStartStreamName, NextToken }, context) {
    const { catalog, caller, places, tokens, clock } = context;
    const behind =
      NextToken === undefined
        ? ExclusiveStartStreamName
        : openPageToken<{ behind: string }>(tokens, LISTING, NextToken, clock()).behind; // 2, 3
    const names = places.namesIn(caller, catalog);
    const start = behind === undefined ? 0 : firstBehind(names, behind);
    const page = names.slice(start, start + Limit);
    const hasMore = start + Limit < names.length;
    return {
      StreamNames: page,
      HasMoreStreams: hasMore,
      NextToken: hasMore ? sealPageToken(tokens, LISTING, { behind: page.at(-1) }, clock()) : undefined,
      StreamSummaries: page.flatMap((name) => {
        const document = catalog.peek(places.keptName(caller, name))?.document;
        if (document === undefined) return [];
        return {
          StreamName: name,
          StreamARN: streamArn(caller, name),
          StreamStatus: document.status,
          StreamModeDetails: { StreamMode: document.mode },
          StreamCreationTimestamp: new Date(document.createdAtMs),
        };
      }),
    };
  },
});
