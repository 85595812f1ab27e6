"""aiokafka"""

import asyncio
import os

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from recipe import COUNT, main, record, same, verify


async def written(producer, topic, indices):
    sent = []
    for i in indices:
        key, value, headers = record(i)
        sent.append(await producer.send(topic, value, key, headers=headers))
    await asyncio.gather(*sent)


async def produce(bootstrap, topic, _):
    """Also writes what other clients read: CODECS names the compressions that they know."""
    codecs = os.environ.get("CODECS", "none,gzip,lz4,snappy,zstd").split(",")
    ends = [COUNT * i // len(codecs) for i in range(len(codecs) + 1)]
    for codec, first, end in zip(codecs, ends, ends[1:]):
        compression = None if codec == "none" else codec
        async with AIOKafkaProducer(
            bootstrap_servers=bootstrap, enable_idempotence=True, compression_type=compression
        ) as producer:
            await written(producer, topic, range(first, end))


async def read(bootstrap, topic, group, members, wanted, isolation="read_uncommitted"):
    consumers = [
        AIOKafkaConsumer(
            topic,
            bootstrap_servers=bootstrap,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level=isolation,
        )
        for _ in range(members)
    ]
    await asyncio.gather(*(one.start() for one in consumers))
    records = []
    try:
        async with asyncio.timeout(60):
            # Nothing is kept before every member has its share.
            while [len(one.assignment()) for one in consumers] != [4 // members] * members:
                await asyncio.sleep(0.1)
            for one in consumers:
                await one.seek_to_beginning()
            while len(records) < wanted:
                for one in consumers:
                    for batch in (await one.getmany(timeout_ms=100)).values():
                        records.extend((it.key, it.value, it.headers) for it in batch)
        for one in consumers:
            await one.commit()
    finally:
        for one in consumers:
            await one.stop()
    return records


async def group(bootstrap, topic, group_id):
    verify(await read(bootstrap, topic, group_id, 2, COUNT))
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    offsets = await admin.list_consumer_group_offsets(group_id)
    same("committed", sum(place.offset for place in offsets.values()), COUNT)
    await admin.close()


async def administer(bootstrap, topic, group_id):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1, topic_configs={"retention.ms": "3600000"})])
    same("listed", topic in await admin.list_topics(), True)

    async def retention():
        answer = (await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": None})]))[0]
        # (error, message, type, name, entries), and an entry begins with name and value
        return [entry[1] for entry in answer.resources[0][4]]

    same("configs", await retention(), ["3600000"])
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {"retention.ms": "7200000"})])
    same("configs", await retention(), ["7200000"])
    await admin.create_partitions({topic: NewPartitions(3)})
    same("partitions", len((await admin.describe_topics([topic]))[0]["partitions"]), 3)
    place = TopicPartition(topic, 0)
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for i in range(10):
            await producer.send_and_wait(topic, record(i)[1] or b"", partition=0)
    await admin.delete_records({place: RecordsToDelete(4)})
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group_id, enable_auto_commit=False)
    await consumer.start()
    same("offsets", [(await consumer.beginning_offsets([place]))[place], (await consumer.end_offsets([place]))[place]], [4, 10])
    consumer.assign([place])
    await consumer.commit({place: 7})
    await consumer.stop()
    same("group", group_id in [one[0] for one in await admin.list_consumer_groups()], True)
    # (error, group, state, …)
    same("state", (await admin.describe_consumer_groups([group_id]))[0].groups[0][2], "Empty")
    same("cluster", len((await admin.describe_cluster())["brokers"]), 1)
    await admin.delete_topics([topic])
    same("gone", topic in await admin.list_topics(), False)
    await admin.close()


async def transactions(bootstrap, topic, group_id):
    place = TopicPartition(topic, 0)
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"txn-{topic}") as producer:
        for first, commit in [(0, True), (10, False), (20, True)]:
            await producer.begin_transaction()
            await written(producer, topic, range(first, first + 10))
            await producer.send_offsets_to_transaction({place: first + 1}, group_id)
            await (producer.commit_transaction() if commit else producer.abort_transaction())
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    same("committed", (await admin.list_consumer_group_offsets(group_id))[place].offset, 21)
    await admin.close()
    wanted = [*range(10), *range(20, 30)]
    verify(await read(bootstrap, topic, f"{group_id}-reader", 1, len(wanted), "read_committed"), wanted)


def step(run):
    return lambda *arguments: asyncio.run(run(*arguments))


main({"produce": step(produce), "group": step(group), "admin": step(administer), "transactions": step(transactions)})
