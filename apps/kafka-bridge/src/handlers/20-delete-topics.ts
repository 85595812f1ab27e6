import {
  deleteTopicsApi,
  type DeleteTopicsResponse,
  type ErrorCode,
  errorCodes,
  ZERO_UUID,
} from '@tailrace/kafka-protocol';
import type { Bridge } from '../bridge.ts';
import { refusalErrors, unlessUnavailable } from '../errors/refusal-errors.ts';
import { handler } from './handler.ts';

interface Named {
  readonly name: string | null;
  readonly topicId: string;
}
type Deleted = DeleteTopicsResponse['responses'][number];

/** Topics may be named by id from here on. */
const TOPIC_ID_SINCE = 6;

/**
 * DeleteTopics: drop topics with all that is in them, each one by itself.
 * Per topic: INVALID_REQUEST (named twice, by both, or by nothing), UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION;
 * REQUEST_TIMED_OUT, retryable, when others keep changing it or the store is away.
 */
export const deleteTopics = handler({
  api: deleteTopicsApi,
  versions: deleteTopicsApi.advertised,
  async run({ topics, topicNames }, exchange, bridge) {
    const wanted =
      exchange.header.apiVersion >= TOPIC_ID_SINCE ? topics : topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
    const counts = new Map<string, number>();
    const keyOf = (topic: Named) => topic.name ?? topic.topicId;
    for (const topic of wanted) counts.set(keyOf(topic), (counts.get(keyOf(topic)) ?? 0) + 1);
    const distinct = [...new Map(wanted.map((topic) => [keyOf(topic), topic])).values()];
    const responses = await Promise.all(
      distinct.map(async (topic) => {
        const { name, topicId } = topic;
        if (counts.get(keyOf(topic)) === 1) return deleteOne(name, topicId, bridge);
        const message = name === null ? 'Duplicate topic id.' : 'Duplicate topic name.';
        return failed(name, topicId, errorCodes.INVALID_REQUEST, message);
      }),
    );
    for (const { errorCode } of responses) exchange.noteError(errorCode);
    return { throttleTimeMs: 0, responses };
  },
});

async function deleteOne(name: string | null, topicId: string, { catalog }: Bridge): Promise<Deleted> {
  const byId = topicId !== ZERO_UUID;
  if (byId === (name !== null)) {
    return failed(
      name,
      topicId,
      errorCodes.INVALID_REQUEST,
      byId ? 'Name and topic id are both given.' : 'Neither name nor topic id is given.',
    );
  }
  const found = name ?? catalog.peekById(topicId)?.name;
  if (found === undefined) return failed(name, topicId, errorCodes.UNKNOWN_TOPIC_ID, 'There is no topic with this id.');
  const outcome = await unlessUnavailable(catalog.delete(found), () => undefined);
  if (outcome === undefined) return failed(name, topicId, errorCodes.REQUEST_TIMED_OUT, 'The store is not available.');
  if (!outcome.ok)
    return failed(
      name,
      topicId,
      refusalErrors[outcome.refusal.code],
      `Topic '${found}' does not exist or is being changed.`,
    );
  return { name: found, topicId: outcome.value.id, errorCode: errorCodes.NONE, errorMessage: null };
}

function failed(name: string | null, topicId: string, errorCode: ErrorCode, errorMessage: string): Deleted {
  return { name, topicId, errorCode, errorMessage };
}
