"""confluent-kafka"""

from confluent_kafka import Consumer, Producer, TopicPartition, ConsumerGroupTopicPartitions, TopicCollection
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
)
from recipe import COUNT, main, record, same, until, verify


def written(client, topic, indices):
    failures = []
    for i in indices:
        key, value, headers = record(i)
        client.produce(topic, value, key, headers=headers, on_delivery=lambda error, _: error and failures.append(error))
        client.poll(0)
    client.flush(60)
    same("failures", failures, [])


def produce(bootstrap, topic, _):
    for first, codec in [(0, "none"), (250, "zstd"), (500, "lz4"), (750, "snappy")]:
        settings = {"bootstrap.servers": bootstrap, "compression.type": codec, "enable.idempotence": True, "linger.ms": 5}
        written(Producer(settings), topic, range(first, first + 250))


def read(bootstrap, topic, group, members, wanted, protocol="classic"):
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "group.protocol": protocol,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
    }
    consumers = [Consumer(settings) for _ in range(members)]
    records = []
    for one in consumers:
        one.subscribe([topic])

    def spread():
        # Nothing is taken before every member has its share: what comes earlier is read again from the start.
        for one in consumers:
            one.poll(0.1)
        return all(len(one.assignment()) == 4 // members for one in consumers)

    until("shares", spread)
    for one in consumers:
        for place in one.assignment():
            one.seek(TopicPartition(place.topic, place.partition, 0))

    def take():
        for one in consumers:
            message = one.poll(0.02)
            while message is not None:
                assert message.error() is None, message.error()
                records.append((message.key(), message.value(), message.headers()))
                message = one.poll(0.02)
        return len(records) >= wanted

    until("records", take)
    for one in consumers:
        one.commit(asynchronous=False)
        one.close()
    return records


def committed(bootstrap, topic, group):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    request = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, p) for p in range(4)])
    answer = admin.list_consumer_group_offsets([request])[group].result()
    return sum(max(0, place.offset) for place in answer.topic_partitions)


def group(bootstrap, topic, group_id):
    verify(read(bootstrap, topic, group_id, 2, COUNT))
    same("committed", committed(bootstrap, topic, group_id), COUNT)


def consumer_protocol(bootstrap, topic, group_id):
    verify(read(bootstrap, topic, group_id, 2, COUNT, "consumer"))
    same("committed", committed(bootstrap, topic, group_id), COUNT)


def administer(bootstrap, topic, group_id):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    new = NewTopic(topic, num_partitions=2, config={"retention.ms": "3600000"})
    admin.create_topics([new])[topic].result()
    until("listed", lambda: topic in admin.list_topics(timeout=10).topics)
    same("configs", admin.describe_configs([resource])[resource].result()["retention.ms"].value, "3600000")
    change = ConfigEntry("retention.ms", "7200000", incremental_operation=AlterConfigOpType.SET)
    admin.incremental_alter_configs([ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[change])])[
        resource
    ].result()
    same("configs", admin.describe_configs([resource])[resource].result()["retention.ms"].value, "7200000")
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result()
    until("partitions", lambda: len(admin.list_topics(topic, timeout=10).topics[topic].partitions) == 3)
    producer = Producer({"bootstrap.servers": bootstrap})
    for i in range(10):
        producer.produce(topic, record(i)[1], partition=0)
    producer.flush(30)
    place = TopicPartition(topic, 0)
    low = admin.delete_records([TopicPartition(topic, 0, 4)])[place].result().low_watermark
    same("deleted", low, 4)
    found = [admin.list_offsets({place: spec})[place].result().offset for spec in (OffsetSpec.earliest(), OffsetSpec.latest())]
    same("offsets", found, [4, 10])
    moved = ConsumerGroupTopicPartitions(group_id, [TopicPartition(topic, 0, 7)])
    admin.alter_consumer_group_offsets([moved])[group_id].result()
    same("group", group_id in [one.group_id for one in admin.list_consumer_groups().result().valid], True)
    same("state", admin.describe_consumer_groups([group_id])[group_id].result().state.name, "EMPTY")
    admin.delete_consumer_groups([group_id])[group_id].result()
    described = admin.describe_topics(TopicCollection([topic]))[topic].result()
    same("topic", len(described.partitions), 3)
    same("cluster", len(admin.describe_cluster().result().nodes), 1)
    admin.delete_topics([topic])[topic].result()
    until("gone", lambda: topic not in admin.list_topics(timeout=10).topics)


def transactions(bootstrap, topic, group_id):
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": f"txn-{topic}"})
    producer.init_transactions(30)
    member = Consumer({"bootstrap.servers": bootstrap, "group.id": group_id})
    for first, commit in [(0, True), (10, False), (20, True)]:
        producer.begin_transaction()
        for i in range(first, first + 10):
            key, value, headers = record(i)
            producer.produce(topic, value, key, headers=headers)
        producer.send_offsets_to_transaction([TopicPartition(topic, 0, first + 1)], member.consumer_group_metadata(), 30)
        producer.commit_transaction(30) if commit else producer.abort_transaction(30)
    place = member.committed([TopicPartition(topic, 0)], 30)[0]
    same("committed", place.offset, 21)
    member.close()
    wanted = [*range(10), *range(20, 30)]
    verify(read(bootstrap, topic, f"{group_id}-reader", 1, len(wanted)), wanted)


main(
    {
        "produce": produce,
        "group": group,
        "admin": administer,
        "transactions": transactions,
        "consumer-protocol": consumer_protocol,
    }
)
