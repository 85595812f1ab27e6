"""Consume, transform, produce with librdkafka, exactly once: transactions.py BOOTSTRAP RECORDS.

The transformer is a process of its own, which kills itself (SIGKILL) in the middle of transactions and is started again, until
all is done. Prints a line for each step; ends with 1 and what is wrong when something is.
"""
import os, signal, subprocess, sys, time, uuid
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition, libversion
from confluent_kafka.admin import AdminClient, NewTopic

PARTITIONS = 4
PATIENCE_S = 90
# Longer than the group waits for a member that was killed.
QUIET_S = 9


def producer(bootstrap, transactional_id):
    return Producer({"bootstrap.servers": bootstrap, "transactional.id": transactional_id, "transaction.timeout.ms": 20000})


def consumer(bootstrap, group, isolation):
    return Consumer({
        "bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
        "isolation.level": isolation, "enable.partition.eof": True, "session.timeout.ms": 6000,
    })


def fill(bootstrap, topic, records):
    """Transactions of 10; every third one is aborted first."""
    made = producer(bootstrap, topic + "-filler")
    made.init_transactions()
    for start in range(0, records, 10):
        for aborts in ([True, False] if start % 30 == 0 else [False]):
            made.begin_transaction()
            for i in range(start, min(start + 10, records)):
                made.produce(topic, f"{'aborted' if aborts else 'in'} {i}", f"k{i}")
            if aborts:
                made.flush()
                made.abort_transaction()
            else:
                made.commit_transaction()


def read(bootstrap, topic, isolation):
    """All values, sorted."""
    reader = consumer(bootstrap, str(uuid.uuid4()), isolation)
    reader.assign([TopicPartition(topic, i, 0) for i in range(PARTITIONS)])
    values, ended, deadline = [], set(), time.time() + PATIENCE_S
    while len(ended) < PARTITIONS:
        if time.time() > deadline:
            raise AssertionError(f"{topic} could not be read to its end")
        message = reader.poll(1)
        if message is None:
            continue
        if message.error():
            ended.add(message.partition())
        else:
            values.append(message.value().decode())
    reader.close()
    return sorted(values)


def transform(bootstrap, topic, records, crash_after):
    """One life of the transformer. `crash_after` records it kills itself, with a transaction open."""
    made = producer(bootstrap, topic + "-transformer")
    made.init_transactions()
    reader = consumer(bootstrap, topic + "-group", "read_committed")
    reader.subscribe([topic])
    seen, quiet_since = 0, time.time()
    while time.time() - quiet_since < QUIET_S:
        messages = [one for one in reader.consume(50, 0.2) if not one.error()]
        if not messages:
            continue
        quiet_since = time.time()
        made.begin_transaction()
        for one in messages:
            made.produce(topic + "-out", "out " + one.value().decode(), one.key())
        seen += len(messages)
        if 0 < crash_after < seen:
            made.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        made.send_offsets_to_transaction(reader.position(reader.assignment()), reader.consumer_group_metadata())
        made.commit_transaction()
    reader.close()


def main():
    bootstrap, records = sys.argv[1], int(sys.argv[2])
    if len(sys.argv) > 3:
        return transform(bootstrap, sys.argv[3], records, int(sys.argv[4]))
    print("librdkafka", libversion()[0])
    topic = f"rdkafka-{uuid.uuid4()}"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for made in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in (topic, topic + "-out")]).values():
        made.result()
    fill(bootstrap, topic, records)
    expected = sorted(f"in {i}" for i in range(records))
    same("committed input", read(bootstrap, topic, "read_committed"), expected)
    same("all input", len(read(bootstrap, topic, "read_uncommitted")) > records, True)
    kills = 0
    for crash_after in [records // 5] * 3 + [0]:
        arguments = [sys.executable, sys.argv[0], bootstrap, str(records), topic, str(crash_after)]
        code = subprocess.run(arguments, timeout=PATIENCE_S).returncode
        kills += code == -signal.SIGKILL
        if code not in (0, -signal.SIGKILL):
            raise AssertionError(f"a transformer ended with {code}")
    same("transformers killed in a transaction", kills, 3)
    same("output", read(bootstrap, topic + "-out", "read_committed"), [f"out {value}" for value in expected])
    zombie = producer(bootstrap, topic + "-fenced")
    zombie.init_transactions()
    zombie.begin_transaction()
    zombie.produce(topic + "-out", "zombie", "k")
    zombie.flush()
    heir = producer(bootstrap, topic + "-fenced")
    heir.init_transactions()
    try:
        zombie.commit_transaction()
        raise AssertionError("a producer that was fenced has committed")
    except KafkaException as error:
        same("fenced", error.args[0].fatal(), True)
    same("output", read(bootstrap, topic + "-out", "read_committed"), [f"out {value}" for value in expected])


def same(what, found, expected):
    if found != expected:
        raise AssertionError(f"{what} is {str(found)[:300]} instead of {str(expected)[:300]}")
    print(f"{what}: as expected")


main()
