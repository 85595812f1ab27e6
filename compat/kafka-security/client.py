"""Writes a record over TLS and SASL and reads it back: client.py LIBRARY BROKER CA MECHANISM USER PASSWORD"""
import sys
import time

library, broker, ca, mechanism, user, password = sys.argv[1:]
text = f"{library} {mechanism} {time.time()}".encode()

if library == "confluent":
    from confluent_kafka import Consumer, Producer

    common = {
        "bootstrap.servers": broker,
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": ca,
        "sasl.mechanism": mechanism,
        "sasl.username": user,
        "sasl.password": password,
    }
    producer = Producer(common)
    producer.produce("orders", text)
    if producer.flush(20) > 0:
        sys.exit("not delivered")
    consumer = Consumer({**common, "group.id": f"python-{mechanism}", "auto.offset.reset": "earliest"})
    consumer.subscribe(["orders"])
    until = time.time() + 30
    while time.time() < until:
        message = consumer.poll(1)
        if message is not None and message.error() is None and message.value() == text:
            print("read back")
            break
    consumer.close()
else:
    from kafka import KafkaConsumer, KafkaProducer

    common = dict(
        bootstrap_servers=broker,
        security_protocol="SASL_SSL",
        ssl_cafile=ca,
        sasl_mechanism=mechanism,
        sasl_plain_username=user,
        sasl_plain_password=password,
    )
    producer = KafkaProducer(**common)
    producer.send("orders", text).get(timeout=20)
    producer.close()
    consumer = KafkaConsumer("orders", auto_offset_reset="earliest", consumer_timeout_ms=20000, **common)
    for message in consumer:
        if message.value == text:
            print("read back")
            break
    consumer.close()
