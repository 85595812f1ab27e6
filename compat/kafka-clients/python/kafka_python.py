"""kafka-python"""

import threading

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, KafkaAdminClient, OffsetSpec
from kafka.structs import OffsetAndMetadata
from recipe import COUNT, main, record, same, until, verify


def produce(bootstrap, topic, _):
    for first, codec in [(0, None), (200, "gzip"), (400, "lz4"), (600, "snappy"), (800, "zstd")]:
        producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", compression_type=codec, linger_ms=5)
        futures = []
        for i in range(first, first + 200):
            key, value, headers = record(i)
            futures.append(producer.send(topic, value, key, headers=headers))
        producer.flush(60)
        for future in futures:
            future.get(1)
        producer.close()


def read(bootstrap, topic, group, members, wanted, isolation="read_uncommitted"):
    """Members poll in threads of their own, as this client's joins block; none keeps records before all have their share."""
    records, failures, done = [], [], threading.Event()
    shares = [0] * members
    lock = threading.Lock()
    everybody = threading.Barrier(members)

    def member(index):
        try:
            consumer = KafkaConsumer(
                topic,
                bootstrap_servers=bootstrap,
                group_id=group,
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                isolation_level=isolation,
            )
            while shares != [4 // members] * members and not done.is_set():
                consumer.poll(100)
                shares[index] = len(consumer.assignment())
            everybody.wait(60)
            consumer.seek_to_beginning()
            while not done.is_set():
                for batch in consumer.poll(100).values():
                    with lock:
                        records.extend((one.key, one.value, one.headers) for one in batch)
            consumer.commit()
            consumer.close()
        except BaseException as failure:
            failures.append(failure)
            done.set()

    threads = [threading.Thread(target=member, args=(index,)) for index in range(members)]
    for thread in threads:
        thread.start()
    try:
        until("records", lambda: len(records) >= wanted or failures)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]
    return records


def group(bootstrap, topic, group_id):
    verify(read(bootstrap, topic, group_id, 2, COUNT))
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    offsets = admin.list_group_offsets({group_id: None})[group_id]
    same("committed", sum(place.offset for place in offsets.values()), COUNT)
    admin.close()


def administer(bootstrap, topic, group_id):
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    new = {"num_partitions": 2, "replication_factor": 1, "configs": {"retention.ms": "3600000"}}
    admin.create_topics({topic: new}, wait_for_metadata=True)
    same("listed", topic in admin.list_topics(), True)

    def retention():
        described = admin.describe_configs([ConfigResource("topic", topic, {"retention.ms": None})])
        return described["topic"][topic]["retention.ms"]["value"]

    same("configs", retention(), "3600000")
    admin.alter_configs([ConfigResource("topic", topic, {"retention.ms": "7200000"})])
    same("configs", retention(), "7200000")
    admin.create_partitions({topic: 3})
    until("partitions", lambda: len(admin.describe_topics([topic])[0]["partitions"]) == 3)
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for i in range(10):
        producer.send(topic, record(i)[1], partition=0).get(10)
    producer.close()
    place = TopicPartition(topic, 0)
    admin.delete_records({place: 4})
    found = [admin.list_partition_offsets({place: spec})[place].offset for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)]
    same("offsets", found, [4, 10])
    admin.alter_group_offsets(group_id, {place: OffsetAndMetadata(7, "", -1)})
    same("group", group_id in [one["group_id"] for one in admin.list_groups()], True)
    same("state", admin.describe_groups([group_id])[group_id]["group_state"], "Empty")
    admin.delete_groups([group_id])
    same("cluster", len(admin.describe_cluster()["brokers"]), 1)
    admin.delete_topics([topic])
    until("gone", lambda: topic not in admin.list_topics())
    admin.close()


def transactions(bootstrap, topic, group_id):
    producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"txn-{topic}")
    producer.init_transactions()
    for first, commit in [(0, True), (10, False), (20, True)]:
        producer.begin_transaction()
        for i in range(first, first + 10):
            key, value, headers = record(i)
            producer.send(topic, value, key, headers=headers)
        producer.send_offsets_to_transaction({TopicPartition(topic, 0): OffsetAndMetadata(first + 1, "", -1)}, group_id)
        producer.commit_transaction() if commit else producer.abort_transaction()
    producer.close()
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    same("committed", admin.list_group_offsets({group_id: None})[group_id][TopicPartition(topic, 0)].offset, 21)
    admin.close()
    wanted = [*range(10), *range(20, 30)]
    verify(read(bootstrap, topic, f"{group_id}-reader", 1, len(wanted), "read_committed"), wanted)


main({"produce": produce, "group": group, "admin": administer, "transactions": transactions})
