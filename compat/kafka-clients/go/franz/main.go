// franz-go
package main

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	. "tailrace/compat/kafka-clients/recipe"
)

var ctx, _ = context.WithTimeout(context.Background(), 100*time.Second)

func record(topic string, i int) *kgo.Record {
	r := Make(i)
	made := &kgo.Record{Topic: topic, Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		made.Headers = append(made.Headers, kgo.RecordHeader{Key: h.Name, Value: h.Value})
	}
	return made
}

func client(bootstrap string, more ...kgo.Opt) *kgo.Client {
	return Get(kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(bootstrap), kgo.ClientID("franz-go")}, more...)...))
}

func produce(bootstrap, topic, _ string) {
	codecs := []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	}
	for c, codec := range codecs {
		one := client(bootstrap, kgo.ProducerBatchCompression(codec))
		var records []*kgo.Record
		for i := c * 200; i < (c+1)*200; i++ {
			records = append(records, record(topic, i))
		}
		Must(one.ProduceSync(ctx, records...).FirstErr())
		one.Close()
	}
}

// read polls the members in turn, and keeps what each place holds once.
func read(bootstrap, topic, group string, members, wanted int, more ...kgo.Opt) []Record {
	var clients []*kgo.Client
	shares := make([]int, members)
	for m := range members {
		assigned := func(_ context.Context, _ *kgo.Client, got map[string][]int32) { shares[m] += len(got[topic]) }
		lost := func(_ context.Context, _ *kgo.Client, gone map[string][]int32) { shares[m] -= len(gone[topic]) }
		clients = append(clients, client(bootstrap, append([]kgo.Opt{
			kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.FetchMaxWait(200 * time.Millisecond),
			kgo.OnPartitionsAssigned(assigned), kgo.OnPartitionsRevoked(lost), kgo.OnPartitionsLost(lost),
		}, more...)...))
	}
	type place struct {
		partition int32
		offset    int64
	}
	seen := map[place]bool{}
	var records []Record
	Until("records", func() bool {
		for _, one := range clients {
			poll, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
			fetches := one.PollFetches(poll)
			cancel()
			fetches.EachError(func(_ string, _ int32, err error) {
				if !errors.Is(err, context.DeadlineExceeded) {
					panic(err)
				}
			})
			fetches.EachRecord(func(r *kgo.Record) {
				at := place{r.Partition, r.Offset}
				if seen[at] {
					return
				}
				seen[at] = true
				made := Record{Key: r.Key, Value: r.Value}
				for _, h := range r.Headers {
					made.Headers = append(made.Headers, Header{Name: h.Key, Value: h.Value})
				}
				records = append(records, made)
			})
		}
		for _, share := range shares {
			if share != 4/members {
				return false
			}
		}
		return len(records) >= wanted
	})
	for _, one := range clients {
		Must(one.CommitUncommittedOffsets(ctx))
	}
	for _, one := range clients {
		one.Close()
	}
	return records
}

func committed(bootstrap, topic, group string) map[int32]int64 {
	admin := kadm.NewClient(client(bootstrap))
	defer admin.Close()
	offsets := map[int32]int64{}
	Get(admin.FetchOffsets(ctx, group)).Each(func(o kadm.OffsetResponse) {
		Must(o.Err)
		offsets[o.Partition] = o.At
	})
	return offsets
}

func group(bootstrap, topic, groupID string) {
	Verify(read(bootstrap, topic, groupID, 2, Count), Range(0, Count))
	var sum int64
	for _, at := range committed(bootstrap, topic, groupID) {
		sum += at
	}
	Same("committed", sum, int64(Count))
}

func administer(bootstrap, topic, groupID string) {
	admin := kadm.NewClient(client(bootstrap))
	defer admin.Close()
	first, second := "3600000", "7200000"
	created := Get(admin.CreateTopic(ctx, 2, 1, map[string]*string{"retention.ms": &first}, topic))
	Must(created.Err)
	Same("partitions", created.NumPartitions, int32(2))
	retention := func() string {
		described := Get(Get(admin.DescribeTopicConfigs(ctx, topic)).On(topic, nil))
		Must(described.Err)
		for _, one := range described.Configs {
			if one.Key == "retention.ms" {
				return one.MaybeValue()
			}
		}
		return ""
	}
	Same("configs", retention(), first)
	change := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &second}}
	Must(Get(Get(admin.AlterTopicConfigs(ctx, change, topic)).On(topic, nil)).Err)
	Same("configs", retention(), second)
	Must(Get(admin.UpdatePartitions(ctx, 3, topic)).Error())
	Same("partitions", len(Get(admin.ListTopics(ctx, topic))[topic].Partitions), 3)
	producer := client(bootstrap, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	for i := range 10 {
		Must(producer.ProduceSync(ctx, record(topic, i)).FirstErr())
	}
	producer.Close()
	var before kadm.Offsets
	before.AddOffset(topic, 0, 4, -1)
	Must(Get(admin.DeleteRecords(ctx, before)).Error())
	start, _ := Get(admin.ListStartOffsets(ctx, topic)).Lookup(topic, 0)
	end, _ := Get(admin.ListEndOffsets(ctx, topic)).Lookup(topic, 0)
	Same("offsets", []int64{start.Offset, end.Offset}, []int64{4, 10})
	var moved kadm.Offsets
	moved.AddOffset(topic, 0, 7, -1)
	Must(admin.CommitAllOffsets(ctx, groupID, moved))
	_, there := Get(admin.ListGroups(ctx))[groupID]
	Same("group", there, true)
	Same("state", Get(admin.DescribeGroups(ctx, groupID))[groupID].State, "Empty")
	Must(Get(admin.DeleteGroup(ctx, groupID)).Err)
	Same("cluster", len(Get(admin.ListBrokers(ctx))), 1)
	Must(Get(admin.DeleteTopic(ctx, topic)).Err)
	// The client answers from its cache for a while.
	Until("gone", func() bool { return !Get(admin.ListTopics(ctx)).Has(topic) })
}

func transactions(bootstrap, topic, groupID string) {
	// By hand, so that the end of each is chosen.
	producer := client(bootstrap, kgo.TransactionalID("txn-"+topic), kgo.DefaultProduceTopic(topic))
	for _, first := range []int{0, 10, 20} {
		Must(producer.BeginTransaction())
		for i := first; i < first+10; i++ {
			Must(producer.ProduceSync(ctx, record(topic, i)).FirstErr())
		}
		Must(producer.EndTransaction(ctx, kgo.TransactionEndTry(first != 10)))
	}
	producer.Close()
	wanted := append(Range(0, 10), Range(20, 30)...)
	Verify(read(bootstrap, topic, groupID+"-reader", 1, len(wanted)), wanted)
	// A session takes offsets and records into one transaction.
	session := Get(kgo.NewGroupTransactSession(kgo.SeedBrokers(bootstrap), kgo.TransactionalID("copy-"+topic),
		kgo.ConsumerGroup(groupID), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.RequireStableFetchOffsets()))
	copied := 0
	Until("copied", func() bool {
		fetches := session.PollFetches(ctx)
		Must(fetches.Err0())
		Must(session.Begin())
		fetches.EachRecord(func(*kgo.Record) { copied++ })
		done, err := session.End(ctx, kgo.TryCommit)
		Must(err)
		Same("ended", done, true)
		return copied >= len(wanted)
	})
	session.Close()
	Same("copied", copied, len(wanted))
	Same("committed partitions", len(committed(bootstrap, topic, groupID)) > 0, true)
}

func main() {
	Main(map[string]func(string, string, string){
		"produce": produce, "group": group, "admin": administer, "transactions": transactions,
	})
}
