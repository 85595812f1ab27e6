import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.*;

/**
 * Consume, transform, produce with the Java client, exactly once: `java transactions.java BOOTSTRAP RECORDS`.
 * Prints a line for each step; ends with 1 and what is wrong when something is.
 */
class Transactions {
  static final int PARTITIONS = 4;
  static final long PATIENCE_MS = 90_000;
  static String bootstrap;

  public static void main(String[] args) {
    try {
      run(args);
    } catch (Throwable wrong) {
      wrong.printStackTrace();
      System.exit(1);
    }
    System.exit(0);
  }

  static void run(String[] args) throws Exception {
    bootstrap = args[0];
    int records = Integer.parseInt(args[1]);
    String run = "java-" + System.nanoTime();
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      admin.createTopics(Stream.of("in", "out").map(name -> new NewTopic(run + "-" + name, PARTITIONS, (short) 1)).toList()).all().get();
      fill(run + "-in", run, records);
      same("committed input", read(run + "-in", true), numbers(records, "in "));
      if (read(run + "-in", false).size() <= records) throw new AssertionError("nothing was aborted");
      transform(run, records);
      same("output", read(run + "-out", true), numbers(records, "out in "));
      offsets(admin, run, records);
      fencing(run);
      timeouts(run);
      hanging(admin, run);
    }
  }

  static List<String> numbers(int count, String prefix) {
    return IntStream.range(0, count).mapToObj(i -> prefix + i).sorted().toList();
  }

  static void same(String what, Object found, Object expected) {
    if (!Objects.equals(found, expected)) {
      String shown = String.valueOf(found), wanted = String.valueOf(expected);
      throw new AssertionError(what + " is " + shown.substring(0, Math.min(300, shown.length())) + " (" + (found instanceof List<?> l ? l.size() : 1)
        + ") instead of " + wanted.substring(0, Math.min(300, wanted.length())) + " (" + (expected instanceof List<?> l ? l.size() : 1) + ")");
    }
    System.out.println(what + ": as expected");
  }

  static KafkaProducer<String, String> producer(String id, Object... more) {
    Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "transactional.id", id, "linger.ms", 2, "batch.size", 2_000));
    for (int i = 0; i < more.length; i += 2) config.put((String) more[i], more[i + 1]);
    return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
  }

  static KafkaConsumer<String, String> consumer(String group, boolean committed) {
    Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "earliest", "enable.auto.commit", false,
      "isolation.level", committed ? "read_committed" : "read_uncommitted", "max.poll.records", 50, "session.timeout.ms", 6_000));
    if (group != null) config.put("group.id", group);
    return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
  }

  /** Transactions of 10 records; every third one is aborted first, and then done again. */
  static void fill(String topic, String run, int records) {
    try (var producer = producer(run + "-filler")) {
      producer.initTransactions();
      for (int from = 0; from < records; from += 10) {
        boolean abortsFirst = from % 30 == 0;
        for (boolean aborts : abortsFirst ? new boolean[] {true, false} : new boolean[] {false}) {
          producer.beginTransaction();
          for (int i = from; i < Math.min(from + 10, records); i++) producer.send(new ProducerRecord<>(topic, "k" + i, (aborts ? "aborted " : "in ") + i));
          if (aborts) { producer.flush(); producer.abortTransaction(); } else producer.commitTransaction();
        }
      }
    }
  }

  static List<String> read(String topic, boolean committed) {
    List<String> values = new ArrayList<>();
    try (var consumer = consumer(null, committed)) {
      var places = IntStream.range(0, PARTITIONS).mapToObj(i -> new TopicPartition(topic, i)).toList();
      consumer.assign(places);
      consumer.seekToBeginning(places);
      var ends = consumer.endOffsets(places);
      long deadline = System.currentTimeMillis() + PATIENCE_MS;
      while (places.stream().anyMatch(place -> consumer.position(place) < ends.get(place))) {
        if (System.currentTimeMillis() > deadline) throw new AssertionError(topic + " could not be read to its end");
        for (var record : consumer.poll(Duration.ofMillis(200))) values.add(record.value());
      }
    }
    Collections.sort(values);
    return values;
  }

  /** Three instances; one of them stops in the middle of a transaction, and another one takes over its id. */
  static void transform(String run, int records) throws Exception {
    AtomicInteger done = new AtomicInteger();
    AtomicBoolean over = new AtomicBoolean();
    ExecutorService threads = Executors.newCachedThreadPool();
    List<Future<?>> instances = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      int number = i;
      instances.add(threads.submit(() -> {
        boolean crashed = instance(run, number, number == 0 ? records / 10 : Integer.MAX_VALUE, done, over, records);
        if (crashed) instance(run, number, Integer.MAX_VALUE, done, over, records);
        return null;
      }));
    }
    long deadline = System.currentTimeMillis() + PATIENCE_MS;
    while (done.get() < records && System.currentTimeMillis() < deadline) {
      for (var instance : instances) if (instance.isDone()) instance.get();
      Thread.sleep(50);
    }
    over.set(true);
    for (var instance : instances) instance.get();
    threads.shutdown();
    same("records transformed", done.get(), records);
  }

  static boolean instance(String run, int number, int crashAfter, AtomicInteger done, AtomicBoolean over, int records) {
    var producer = producer(run + "-transformer-" + number, "transaction.timeout.ms", 20_000);
    producer.initTransactions();
    var consumer = consumer(run + "-group", true);
    consumer.subscribe(List.of(run + "-in"));
    Random random = new Random(number);
    int mine = 0;
    while (!over.get()) {
      var polled = consumer.poll(Duration.ofMillis(100));
      if (polled.isEmpty()) continue;
      try {
        producer.beginTransaction();
        Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
        for (var record : polled) {
          producer.send(new ProducerRecord<>(run + "-out", record.key(), "out " + record.value()));
          next.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1, "by " + number));
        }
        mine += polled.count();
        if (mine > crashAfter) {
          // As if the process had died: the transaction stays open, its producer is never heard of again.
          producer.flush();
          consumer.close();
          return true;
        }
        producer.sendOffsetsToTransaction(next, consumer.groupMetadata());
        if (random.nextInt(5) == 0) {
          producer.abortTransaction();
          mine -= polled.count();
          rewind(consumer, polled.partitions());
        } else {
          producer.commitTransaction();
          done.addAndGet(polled.count());
        }
      } catch (CommitFailedException | RebalanceInProgressException | org.apache.kafka.common.errors.TimeoutException e) {
        producer.abortTransaction();
        rewind(consumer, consumer.assignment());
      }
    }
    producer.close();
    consumer.close();
    return false;
  }

  /** To what is committed: what was polled since was not done. */
  static void rewind(KafkaConsumer<String, String> consumer, Set<TopicPartition> places) {
    var committed = consumer.committed(places);
    for (var place : places) {
      if (!consumer.assignment().contains(place)) continue;
      var offset = committed.get(place);
      if (offset == null) consumer.seekToBeginning(List.of(place));
      else consumer.seek(place, offset.offset());
    }
  }

  /** What the group has committed is behind the last record of each partition. */
  static void offsets(Admin admin, String run, int records) throws Exception {
    var committed = admin.listConsumerGroupOffsets(run + "-group").partitionsToOffsetAndMetadata().get();
    Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
    for (var place : committed.keySet()) latest.put(place, OffsetSpec.latest());
    var ends = admin.listOffsets(latest).all().get();
    for (var place : committed.keySet()) {
      long behind = ends.get(place).offset() - committed.get(place).offset();
      // The last marker, and aborted transactions before it, lie between.
      if (behind < 0 || behind > 40) throw new AssertionError(place + " is committed at " + committed.get(place) + ", and ends at " + ends.get(place).offset());
      if (!committed.get(place).metadata().startsWith("by ")) throw new AssertionError("metadata: " + committed.get(place));
    }
    same("partitions with offsets", committed.size(), PARTITIONS);
  }

  static void fencing(String run) {
    try (var first = producer(run + "-fenced"); var second = producer(run + "-fenced")) {
      first.initTransactions();
      first.beginTransaction();
      first.send(new ProducerRecord<>(run + "-out", "k", "zombie"));
      first.flush();
      second.initTransactions();
      second.beginTransaction();
      second.send(new ProducerRecord<>(run + "-out", "k", "heir"));
      second.commitTransaction();
      try {
        first.commitTransaction();
        throw new AssertionError("a producer that was fenced has committed");
      } catch (ProducerFencedException | InvalidProducerEpochException expected) {
        System.out.println("fenced: " + expected.getClass().getSimpleName());
      }
    }
    var read = read(run + "-out", true);
    same("what the two wrote", read.stream().filter(value -> !value.startsWith("out ")).toList(), List.of("heir"));
  }

  static void timeouts(String run) throws Exception {
    try (var producer = producer(run + "-timeout", "transaction.timeout.ms", 1_000)) {
      producer.initTransactions();
      producer.beginTransaction();
      producer.send(new ProducerRecord<>(run + "-out", "k", "too late"));
      producer.flush();
      Thread.sleep(4_000);
      try {
        producer.commitTransaction();
        throw new AssertionError("a transaction has committed whose time was over");
      } catch (KafkaException expected) {
        System.out.println("timed out: " + expected.getClass().getSimpleName());
      }
    }
    same("records of the one that timed out", read(run + "-out", true).stream().filter("too late"::equals).count(), 0L);
  }

  /** The admin operations, on a transaction that hangs. */
  static void hanging(Admin admin, String run) throws Exception {
    var producer = producer(run + "-hangs");
    producer.initTransactions();
    producer.beginTransaction();
    var written = producer.send(new ProducerRecord<>(run + "-out", 0, "k", "hangs")).get();
    var place = new TopicPartition(run + "-out", 0);
    var listed = admin.listTransactions().all().get().stream().filter(one -> one.transactionalId().equals(run + "-hangs")).toList();
    same("state in the list", listed.get(0).state(), TransactionState.ONGOING);
    var described = admin.describeTransactions(List.of(run + "-hangs")).description(run + "-hangs").get();
    same("partitions", described.topicPartitions(), Set.of(place));
    var state = admin.describeProducers(List.of(place)).partitionResult(place).get().activeProducers().stream()
      .filter(one -> one.producerId() == described.producerId()).findFirst().orElseThrow();
    same("where it began", state.currentTransactionStartOffset(), OptionalLong.of(written.offset()));
    admin.abortTransaction(new AbortTransactionSpec(place, state.producerId(), (short) state.producerEpoch(), state.coordinatorEpoch().orElse(0))).all().get();
    var after = admin.describeProducers(List.of(place)).partitionResult(place).get().activeProducers().stream()
      .filter(one -> one.producerId() == described.producerId()).findFirst().orElseThrow();
    same("where it began, after the marker", after.currentTransactionStartOffset(), OptionalLong.empty());
    admin.fenceProducers(List.of(run + "-hangs")).all().get();
    try {
      producer.commitTransaction();
      throw new AssertionError("a fenced producer has committed");
    } catch (KafkaException expected) {
      System.out.println("fenced by the admin: " + expected.getClass().getSimpleName());
    }
    producer.close(Duration.ofMillis(100));
  }
}
