import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.*;

/**
 * The Java client. `java client.java STEP BOOTSTRAP TOPIC GROUP`; a step that is not there ends with 3. The records are by
 * the same rule as in the other languages (recipe.mjs, recipe.py).
 */
class JavaClient {
  static final int COUNT = 1000;
  static final int KEYS = 37;
  static final Duration POLL = Duration.ofMillis(50);
  static final long PATIENCE_MS = 60_000;

  public static void main(String[] args) throws Exception {
    String bootstrap = args[1], topic = args[2], group = args[3];
    switch (args[0]) {
      case "produce" -> produce(bootstrap, topic);
      case "group" -> group(bootstrap, topic, group, "classic");
      case "consumer-protocol" -> group(bootstrap, topic, group, "consumer");
      case "admin" -> administer(bootstrap, topic, group);
      case "transactions" -> transactions(bootstrap, topic, group);
      default -> System.exit(3);
    }
    System.exit(0);
  }

  static ProducerRecord<byte[], byte[]> record(String topic, int i) {
    byte[] value = i % 100 == 99 ? null : new byte[1 + i * 7 % 300];
    for (int j = 0; value != null && j < value.length; j++) value[j] = (byte) (i * 31 + j * 17);
    var made = new ProducerRecord<>(topic, bytes("key-" + i % KEYS), value);
    made.headers().add("n", bytes("" + i)).add("raw", new byte[] {(byte) 0xff, 0, (byte) i});
    return made;
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static Map<String, Object> config(String bootstrap, Object... more) {
    var made = new HashMap<String, Object>(Map.of("bootstrap.servers", bootstrap));
    for (int i = 0; i < more.length; i += 2) made.put((String) more[i], more[i + 1]);
    return made;
  }

  static KafkaProducer<byte[], byte[]> producer(String bootstrap, Object... more) {
    return new KafkaProducer<>(config(bootstrap, more), new ByteArraySerializer(), new ByteArraySerializer());
  }

  static void produce(String bootstrap, String topic) throws Exception {
    String[] codecs = {"none", "gzip", "snappy", "lz4", "zstd"};
    for (int c = 0; c < codecs.length; c++) {
      try (var producer = producer(bootstrap, "compression.type", codecs[c], "acks", "all")) {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (int i = c * 200; i < (c + 1) * 200; i++) sent.add(producer.send(record(topic, i)));
        for (var one : sent) one.get();
      }
    }
  }

  /** Members in one thread, polled in turn; nothing is kept before each of them has its share. */
  static List<ConsumerRecord<byte[], byte[]>> read(
      String bootstrap, String topic, String group, int members, int wanted, String protocol) throws Exception {
    List<KafkaConsumer<byte[], byte[]>> consumers = new ArrayList<>();
    for (int i = 0; i < members; i++) {
      var config =
          config(
              bootstrap, "group.id", group, "auto.offset.reset", "earliest", "enable.auto.commit", false,
              "isolation.level", "read_committed");
      if (protocol.equals("consumer")) config.put("group.protocol", "consumer");
      var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
      consumer.subscribe(List.of(topic));
      consumers.add(consumer);
    }
    List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
    until(
        "shares",
        () -> {
          for (var one : consumers) one.poll(POLL);
          return consumers.stream().allMatch(one -> one.assignment().size() == 4 / members);
        });
    for (var one : consumers) one.seekToBeginning(one.assignment());
    until(
        "records",
        () -> {
          for (var one : consumers) one.poll(POLL).forEach(records::add);
          return records.size() >= wanted;
        });
    for (var one : consumers) one.commitSync();
    for (var one : consumers) one.close();
    return records;
  }

  static void group(String bootstrap, String topic, String group, String protocol) throws Exception {
    verify(read(bootstrap, topic, group, 2, COUNT, protocol), IntStream.range(0, COUNT).toArray());
    try (Admin admin = Admin.create(config(bootstrap))) {
      var offsets = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
      same("committed", offsets.values().stream().mapToLong(OffsetAndMetadata::offset).sum(), (long) COUNT);
    }
  }

  static void administer(String bootstrap, String topic, String group) throws Exception {
    var resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    var place = new TopicPartition(topic, 0);
    try (Admin admin = Admin.create(config(bootstrap))) {
      var created =
          admin.createTopics(List.of(new NewTopic(topic, 2, (short) 1).configs(Map.of("retention.ms", "3600000"))));
      same("partitions", created.numPartitions(topic).get(), 2);
      same("configs", created.config(topic).get().get("retention.ms").value(), "3600000");
      until("listed", () -> admin.listTopics().names().get().contains(topic));
      admin.incrementalAlterConfigs(
          Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry("retention.ms", "7200000"), AlterConfigOp.OpType.SET))))
          .all().get();
      until(
          "configs",
          () -> admin.describeConfigs(List.of(resource)).all().get().get(resource).get("retention.ms").value().equals("7200000"));
      admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3))).all().get();
      until("partitions", () -> admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size() == 3);
      try (var producer = producer(bootstrap)) {
        for (int i = 0; i < 10; i++) producer.send(new ProducerRecord<>(topic, 0, null, record(topic, i).value())).get();
      }
      same("deleted", admin.deleteRecords(Map.of(place, RecordsToDelete.beforeOffset(4))).lowWatermarks().get(place).get().lowWatermark(), 4L);
      same("first", admin.listOffsets(Map.of(place, OffsetSpec.earliest())).partitionResult(place).get().offset(), 4L);
      same("end", admin.listOffsets(Map.of(place, OffsetSpec.latest())).partitionResult(place).get().offset(), 10L);
      same("newest", admin.listOffsets(Map.of(place, OffsetSpec.maxTimestamp())).partitionResult(place).get().offset(), 9L);
      admin.alterConsumerGroupOffsets(group, Map.of(place, new OffsetAndMetadata(7))).all().get();
      same("groups", admin.listConsumerGroups().all().get().stream().anyMatch(one -> one.groupId().equals(group)), true);
      same("group", admin.describeConsumerGroups(List.of(group)).all().get().get(group).members().size(), 0);
      admin.deleteConsumerGroupOffsets(group, Set.of(place)).all().get();
      admin.deleteConsumerGroups(List.of(group)).all().get();
      same("cluster", admin.describeCluster().nodes().get().size(), 1);
      int node = admin.describeCluster().nodes().get().iterator().next().id();
      same("log dirs", admin.describeLogDirs(List.of(node)).allDescriptions().get().get(node).isEmpty(), false);
      admin.deleteTopics(List.of(topic)).all().get();
      until("gone", () -> !admin.listTopics().names().get().contains(topic));
    }
  }

  static void transactions(String bootstrap, String topic, String group) throws Exception {
    var place = new TopicPartition(topic, 0);
    try (var producer = producer(bootstrap, "transactional.id", "txn-" + topic)) {
      producer.initTransactions();
      for (int first : new int[] {0, 10, 20}) {
        producer.beginTransaction();
        for (int i = first; i < first + 10; i++) producer.send(record(topic, i));
        producer.sendOffsetsToTransaction(Map.of(place, new OffsetAndMetadata(first + 1)), new ConsumerGroupMetadata(group));
        if (first == 10) producer.abortTransaction();
        else producer.commitTransaction();
      }
    }
    try (Admin admin = Admin.create(config(bootstrap))) {
      same("committed", admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(place).offset(), 21L);
      var states = admin.listTransactions().all().get().stream().filter(one -> one.transactionalId().equals("txn-" + topic)).toList();
      same("state", states.get(0).state(), TransactionState.COMPLETE_COMMIT);
    }
    int[] wanted = IntStream.concat(IntStream.range(0, 10), IntStream.range(20, 30)).toArray();
    verify(read(bootstrap, topic, group + "-reader", 1, wanted.length, "classic"), wanted);
  }

  static String shown(byte[] value, Iterable<org.apache.kafka.common.header.Header> headers) {
    var text = new StringBuilder(value == null ? "null" : HexFormat.of().formatHex(value));
    headers.forEach(one -> text.append(' ').append(one.key()).append('=').append(HexFormat.of().formatHex(one.value())));
    return text.toString();
  }

  static void verify(List<ConsumerRecord<byte[], byte[]>> records, int[] wanted) {
    same("records", records.size(), wanted.length);
    var expected = new TreeMap<String, List<String>>();
    var found = new TreeMap<String, List<String>>();
    for (int i : wanted) {
      var one = record("", i);
      expected.computeIfAbsent(new String(one.key()), key -> new ArrayList<>()).add(shown(one.value(), one.headers()));
    }
    for (var one : records)
      found.computeIfAbsent(new String(one.key()), key -> new ArrayList<>()).add(shown(one.value(), one.headers()));
    for (var key : expected.keySet())
      if (!expected.get(key).equals(found.get(key))) throw new AssertionError(key + ": other records, or in another order");
  }

  static void same(String what, Object found, Object expected) {
    if (!Objects.equals(found, expected)) throw new AssertionError(what + ": " + found + " instead of " + expected);
  }

  static void until(String what, Callable<Boolean> done) throws Exception {
    for (long begin = System.currentTimeMillis(); !done.call(); Thread.sleep(20))
      if (System.currentTimeMillis() - begin > PATIENCE_MS) throw new AssertionError(what + ": not within " + PATIENCE_MS + " ms");
  }
}
