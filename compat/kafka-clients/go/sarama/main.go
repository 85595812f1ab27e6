// sarama
package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
	. "tailrace/compat/kafka-clients/recipe"
)

func config() *sarama.Config {
	made := sarama.NewConfig()
	made.ClientID = "sarama"
	made.Version = sarama.V4_0_0_0
	made.Producer.Return.Successes = true
	made.Producer.RequiredAcks = sarama.WaitForAll
	made.Consumer.Offsets.Initial = sarama.OffsetOldest
	made.Consumer.Offsets.AutoCommit.Enable = false
	made.Consumer.IsolationLevel = sarama.ReadCommitted
	made.Consumer.Group.Rebalance.Timeout = 10 * time.Second
	return made
}

func message(topic string, i int) *sarama.ProducerMessage {
	r := Make(i)
	made := &sarama.ProducerMessage{Topic: topic, Key: sarama.ByteEncoder(r.Key)}
	if r.Value != nil {
		made.Value = sarama.ByteEncoder(r.Value)
	}
	for _, h := range r.Headers {
		made.Headers = append(made.Headers, sarama.RecordHeader{Key: []byte(h.Name), Value: h.Value})
	}
	return made
}

func produce(bootstrap, topic, _ string) {
	codecs := []sarama.CompressionCodec{
		sarama.CompressionNone, sarama.CompressionGZIP, sarama.CompressionSnappy, sarama.CompressionLZ4, sarama.CompressionZSTD,
	}
	for c, codec := range codecs {
		settings := config()
		settings.Producer.Compression = codec
		settings.Producer.Idempotent = true
		settings.Net.MaxOpenRequests = 1
		producer := Get(sarama.NewSyncProducer([]string{bootstrap}, settings))
		var messages []*sarama.ProducerMessage
		for i := c * 200; i < (c+1)*200; i++ {
			messages = append(messages, message(topic, i))
		}
		Must(producer.SendMessages(messages))
		Must(producer.Close())
	}
}

// member collects what its claims give it, each place once.
type member struct {
	share  atomic.Int32
	common *common
}

type common struct {
	lock    sync.Mutex
	seen    map[string]bool
	records []Record
}

func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	count := 0
	for _, partitions := range session.Claims() {
		count += len(partitions)
	}
	m.share.Store(int32(count))
	return nil
}

func (m *member) Cleanup(session sarama.ConsumerGroupSession) error {
	session.Commit()
	return nil
}

func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for one := range claim.Messages() {
		made := Record{Key: one.Key, Value: one.Value}
		for _, h := range one.Headers {
			made.Headers = append(made.Headers, Header{Name: string(h.Key), Value: h.Value})
		}
		at := fmt.Sprint(one.Partition, "/", one.Offset)
		m.common.lock.Lock()
		if !m.common.seen[at] {
			m.common.seen[at] = true
			m.common.records = append(m.common.records, made)
		}
		m.common.lock.Unlock()
		session.MarkMessage(one, "")
	}
	return nil
}

func read(bootstrap, topic, group string, members, wanted int) []Record {
	all := &common{seen: map[string]bool{}}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	var crew []*member
	for range members {
		one := &member{common: all}
		crew = append(crew, one)
		consumer := Get(sarama.NewConsumerGroup([]string{bootstrap}, group, config()))
		running.Go(func() {
			for ctx.Err() == nil {
				Must(consumer.Consume(ctx, []string{topic}, one))
			}
			Must(consumer.Close())
		})
	}
	Until("records", func() bool {
		for _, one := range crew {
			if one.share.Load() != int32(4/members) {
				return false
			}
		}
		all.lock.Lock()
		defer all.lock.Unlock()
		return len(all.records) >= wanted
	})
	cancel()
	running.Wait()
	return all.records
}

func committed(bootstrap, topic, group string) map[int32]int64 {
	admin := Get(sarama.NewClusterAdmin([]string{bootstrap}, config()))
	defer admin.Close()
	answer := Get(admin.ListConsumerGroupOffsets(group, map[string][]int32{topic: {0, 1, 2, 3}}))
	offsets := map[int32]int64{}
	for partition, block := range answer.Blocks[topic] {
		if block.Err != sarama.ErrNoError {
			panic(block.Err)
		}
		offsets[partition] = block.Offset
	}
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
	admin := Get(sarama.NewClusterAdmin([]string{bootstrap}, config()))
	defer admin.Close()
	first, second := "3600000", "7200000"
	detail := &sarama.TopicDetail{NumPartitions: 2, ReplicationFactor: 1, ConfigEntries: map[string]*string{"retention.ms": &first}}
	Must(admin.CreateTopic(topic, detail, false))
	_, listed := Get(admin.ListTopics())[topic]
	Same("listed", listed, true)
	retention := func() string {
		resource := sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"retention.ms"}}
		return Get(admin.DescribeConfig(resource))[0].Value
	}
	Same("configs", retention(), first)
	change := map[string]sarama.IncrementalAlterConfigsEntry{"retention.ms": {Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &second}}
	Must(admin.IncrementalAlterConfig(sarama.TopicResource, topic, change, false))
	Same("configs", retention(), second)
	Must(admin.CreatePartitions(topic, 3, nil, false))
	Same("partitions", len(Get(admin.DescribeTopics([]string{topic}))[0].Partitions), 3)
	settings := config()
	settings.Producer.Partitioner = sarama.NewManualPartitioner
	producer := Get(sarama.NewSyncProducer([]string{bootstrap}, settings))
	for i := range 10 {
		_, offset, err := producer.SendMessage(message(topic, i))
		Must(err)
		Same("offset", offset, int64(i))
	}
	Must(producer.Close())
	Must(admin.DeleteRecords(topic, map[int32]int64{0: 4}))
	client := Get(sarama.NewClient([]string{bootstrap}, config()))
	ends := []int64{Get(client.GetOffset(topic, 0, sarama.OffsetOldest)), Get(client.GetOffset(topic, 0, sarama.OffsetNewest))}
	Same("offsets", ends, []int64{4, 10})
	manager := Get(sarama.NewOffsetManagerFromClient(groupID, client))
	place := Get(manager.ManagePartition(topic, 0))
	place.MarkOffset(7, "")
	manager.Commit()
	// Without commits in the background, the manager's end is what ends its parts.
	place.AsyncClose()
	Must(manager.Close())
	Must(client.Close())
	_, there := Get(admin.ListConsumerGroups())[groupID]
	Same("group", there, true)
	Same("state", Get(admin.DescribeConsumerGroups([]string{groupID}))[0].State, "Empty")
	Must(admin.DeleteConsumerGroup(groupID))
	brokers, _, err := admin.DescribeCluster()
	Must(err)
	Same("cluster", len(brokers), 1)
	Must(admin.DeleteTopic(topic))
	_, listed = Get(admin.ListTopics())[topic]
	Same("gone", listed, false)
}

func transactions(bootstrap, topic, groupID string) {
	settings := config()
	settings.Producer.Idempotent = true
	settings.Producer.Transaction.ID = "txn-" + topic
	settings.Net.MaxOpenRequests = 1
	producer := Get(sarama.NewSyncProducer([]string{bootstrap}, settings))
	for _, first := range []int{0, 10, 20} {
		Must(producer.BeginTxn())
		for i := first; i < first+10; i++ {
			_, _, err := producer.SendMessage(message(topic, i))
			Must(err)
		}
		offsets := map[string][]*sarama.PartitionOffsetMetadata{topic: {{Partition: 0, Offset: int64(first + 1)}}}
		Must(producer.AddOffsetsToTxn(offsets, groupID))
		if first == 10 {
			Must(producer.AbortTxn())
		} else {
			Must(producer.CommitTxn())
		}
	}
	Must(producer.Close())
	Same("committed", committed(bootstrap, topic, groupID)[0], int64(21))
	wanted := append(Range(0, 10), Range(20, 30)...)
	Verify(read(bootstrap, topic, groupID+"-reader", 1, len(wanted)), wanted)
}

func main() {
	Main(map[string]func(string, string, string){
		"produce": produce, "group": group, "admin": administer, "transactions": transactions,
	})
}
