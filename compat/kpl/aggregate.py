"""Aggregates records given as lines of JSON {"key", "hashKey", "data"}; prints one line of base64 for each aggregated record."""

import base64
import json
import sys

from aws_kinesis_agg.aggregator import RecordAggregator

RECORD_BYTES_MAX = 50_000

aggregator = RecordAggregator(RECORD_BYTES_MAX)
aggregated = []
for line in sys.stdin:
    record = json.loads(line)
    full = aggregator.add_user_record(record["key"], record["data"].encode(), record["hashKey"])
    if full is not None:
        aggregated.append(full)
rest = aggregator.clear_and_get()
if rest is not None:
    aggregated.append(rest)
for each in aggregated:
    key, hash_key, data = each.get_contents()
    print(json.dumps({"key": key, "hashKey": hash_key, "data": base64.b64encode(data).decode()}))
