import type { Span } from '@opentelemetry/api';
import type { Shard, Stream } from '@tailrace/shard-core';
import { linksFrom, setHttpTransfer, TRACEPARENT, trafficMetrics } from '@tailrace/telemetry';
import type { RecordView } from './record-view.ts';

/** Counts a page of records on its way out, and links the request's span to where they came from. */
export function noteTransfer(
  span: Span,
  operation: string,
  stream: Stream,
  page: { readonly records: readonly RecordView[]; readonly byteCount: number },
  shard: Shard,
): void {
  const { records, byteCount } = page;
  trafficMetrics('http').sent(records.length, byteCount);
  if (!span.isRecording()) return;
  setHttpTransfer(span, operation, {
    type: 'receive',
    stream: stream.name,
    shardId: shard.shardId,
    recordCount: records.length,
    links: linksFrom(traceparentsOf(records)),
  });
}

function* traceparentsOf(records: readonly RecordView[]): Iterable<string | null | undefined> {
  for (const { headers } of records) for (const { name, value } of headers) if (name === TRACEPARENT) yield value;
}
