"""boto3 as a client of the Kinesis door: `write` takes JSON lines on stdin, `read` prints them."""

import base64
import json
import sys

import boto3
from botocore.config import Config

endpoint, mode, stream = sys.argv[1:4]
kinesis = boto3.client(
    "kinesis",
    endpoint_url=endpoint,
    region_name="us-east-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
    config=Config(retries={"max_attempts": 0}),
)

if mode == "write":
    records = [json.loads(line) for line in sys.stdin]
    for start in range(0, len(records), 500):
        answer = kinesis.put_records(
            StreamName=stream,
            Records=[
                {"PartitionKey": base64.b64decode(r["key"]).decode("utf-8"), "Data": base64.b64decode(r["value"])}
                for r in records[start : start + 500]
            ],
        )
        if answer["FailedRecordCount"] != 0:
            sys.exit("%d records failed" % answer["FailedRecordCount"])
else:
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            page = kinesis.get_records(ShardIterator=iterator, Limit=1000)
            for record in page["Records"]:
                print(
                    json.dumps(
                        {
                            "key": base64.b64encode(record["PartitionKey"].encode("utf-8")).decode(),
                            "value": base64.b64encode(record["Data"]).decode(),
                            "place": shard["ShardId"],
                        }
                    )
                )
            iterator = page["NextShardIterator"]
            if not page["Records"] and page["MillisBehindLatest"] == 0:
                break
