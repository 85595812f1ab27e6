"""A member by confluent-kafka (librdkafka): member.py BOOTSTRAP TOPIC GROUP PROTOCOL INSTANCE; ends cleanly on SIGTERM."""

import signal
import sys

from confluent_kafka import Consumer, KafkaException

bootstrap, topic, group, protocol, instance = sys.argv[1:6]
config = {
    "bootstrap.servers": bootstrap,
    "group.id": group,
    "group.protocol": protocol,
    "auto.offset.reset": "earliest",
    "enable.auto.commit": False,
    "log_level": 2,
}
if protocol == "classic":
    config |= {
        "session.timeout.ms": 6000,
        "heartbeat.interval.ms": 1000,
        "partition.assignment.strategy": "cooperative-sticky",
    }
if instance:
    config["group.instance.id"] = instance

running = True


def stop(*_):
    global running
    running = False


signal.signal(signal.SIGTERM, stop)
consumer = Consumer(config)
consumer.subscribe([topic])
while running:
    records = [one for one in consumer.consume(100, 0.1) if one.error() is None]
    if not records:
        continue
    for one in records:
        print("r", one.partition(), one.offset())
    # Before it is committed it is told, so that what is told twice is no more than what was read twice.
    sys.stdout.flush()
    try:
        consumer.commit(asynchronous=False)
    except KafkaException as error:
        # A rebalance was faster: what it keeps it commits with the next records, the rest is read again by others.
        print("not committed:", error, file=sys.stderr)
consumer.close()
print("end", flush=True)
