// The AWS SDK for Go against the running service: puts and reads records and checks what it gets.
//
//	main ENDPOINT KEY SECRET
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

const (
	records     = 1000
	recordsAPut = 250
)

var stream = aws.String("go-v2")

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	client := kinesis.New(kinesis.Options{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(os.Args[1]),
		Credentials:  credentials.NewStaticCredentialsProvider(os.Args[2], os.Args[3], ""),
	})
	begin := time.Now()
	_, err := client.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: stream, ShardCount: aws.Int32(2)})
	must(err)
	summary, err := client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: stream})
	must(err)
	recent(summary.StreamDescriptionSummary.StreamCreationTimestamp, begin, "the stream's creation")

	sent := put(ctx, client)
	shards, err := client.ListShards(ctx, &kinesis.ListShardsInput{StreamName: stream})
	must(err)
	check(len(shards.Shards) == 2, "%d shards", len(shards.Shards))
	compare(sent, readAll(ctx, client, shards.Shards, begin), "GetRecords")
	compare(sent, subscribeToAll(ctx, client, shards.Shards, summary.StreamDescriptionSummary.StreamARN), "SubscribeToShard")

	_, err = client.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("nothing")})
	var notFound *types.ResourceNotFoundException
	check(errors.As(err, &notFound), "class of %v", err)
	check(notFound.ErrorMessage() == "Stream nothing under account 000000000000 not found.", "%s", notFound.ErrorMessage())
	_, err = client.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: stream, EnforceConsumerDeletion: aws.Bool(true)})
	must(err)
	fmt.Println("all equal")
}

// Keys in several scripts, data of any bytes and lengths.
func put(ctx context.Context, client *kinesis.Client) map[string][]byte {
	sent := map[string][]byte{}
	var entries []types.PutRecordsRequestEntry
	for i := range records {
		data := make([]byte, i%2000)
		for j := range data {
			data[j] = byte(i + j*7)
		}
		key := fmt.Sprintf("clé-鍵-🔑-%d", i)
		sent[key] = data
		entries = append(entries, types.PutRecordsRequestEntry{PartitionKey: aws.String(key), Data: data})
	}
	for first := 0; first < records; first += recordsAPut {
		answer, err := client.PutRecords(ctx, &kinesis.PutRecordsInput{
			StreamName: stream,
			Records:    entries[first : first+recordsAPut],
		})
		must(err)
		check(*answer.FailedRecordCount == 0, "%d records failed", *answer.FailedRecordCount)
	}
	alone := bytes.Repeat([]byte{0xff}, 1024*1024-10)
	_, err := client.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: stream, PartitionKey: aws.String("alone"), Data: alone})
	must(err)
	sent["alone"] = alone
	return sent
}

func readAll(ctx context.Context, client *kinesis.Client, shards []types.Shard, begin time.Time) map[string][]byte {
	read := map[string][]byte{}
	for _, shard := range shards {
		// A time in a request, and everything behind it.
		position, err := client.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{
			StreamName:        stream,
			ShardId:           shard.ShardId,
			ShardIteratorType: types.ShardIteratorTypeAtTimestamp,
			Timestamp:         aws.Time(begin.Add(-5 * time.Minute)),
		})
		must(err)
		last := ""
		for iterator := position.ShardIterator; ; {
			page, err := client.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: iterator, Limit: aws.Int32(177)})
			must(err)
			for _, record := range page.Records {
				recent(record.ApproximateArrivalTimestamp, begin, "a record's arrival")
				check(*record.SequenceNumber > last, "order of %s", *record.SequenceNumber)
				last = *record.SequenceNumber
				read[*record.PartitionKey] = record.Data
			}
			iterator = page.NextShardIterator
			if len(page.Records) == 0 && *page.MillisBehindLatest == 0 {
				break
			}
		}
	}
	return read
}

func subscribeToAll(ctx context.Context, client *kinesis.Client, shards []types.Shard, arn *string) map[string][]byte {
	registered, err := client.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{
		StreamARN:    arn,
		ConsumerName: aws.String("reader"),
	})
	must(err)
	read := map[string][]byte{}
	for _, shard := range shards {
		answer, err := client.SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{
			ConsumerARN:      registered.Consumer.ConsumerARN,
			ShardId:          shard.ShardId,
			StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon},
		})
		must(err)
		events := answer.GetStream()
		for {
			event, open := <-events.Events()
			check(open, "the stream of events has ended: %v", events.Err())
			batch := event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
			check(batch.ContinuationSequenceNumber != nil, "no continuation")
			for _, record := range batch.Records {
				read[*record.PartitionKey] = record.Data
			}
			// At the tip: an event that says so comes behind the last record.
			if *batch.MillisBehindLatest == 0 && len(read) > 0 {
				break
			}
		}
		must(events.Close())
	}
	return read
}

func compare(sent, read map[string][]byte, how string) {
	check(len(read) == len(sent), "%s: %d of %d records", how, len(read), len(sent))
	for key, data := range sent {
		check(bytes.Equal(data, read[key]), "%s: data of %s", how, key)
	}
	fmt.Printf("%s: %d records\n", how, len(read))
}

func recent(at *time.Time, begin time.Time, what string) {
	check(at != nil && begin.Sub(*at).Abs() < 5*time.Minute, "%s at %v", what, at)
}

func check(right bool, format string, arguments ...any) {
	if right {
		return
	}
	fmt.Printf("wrong: "+format+"\n", arguments...)
	os.Exit(1)
}

func must(err error) {
	if err != nil {
		fmt.Printf("wrong: %v\n", err)
		os.Exit(1)
	}
}
