import java.io.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.Future;
import java.util.stream.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.*;

/**
 * Load for the history checker: `java history.java BOOTSTRAP NAME FROM TO PARTITIONS WRITERS`.
 * Writers write transactions to FROM; a copier copies FROM to TO exactly once; a reader reads both. What each of them sees is
 * printed, a line of tab-separated words each:
 *   W writer transaction committed|aborted|unknown value@partition[:offset],…
 *   R reader topic partition offset value
 *   C copier partition first last copied-first copied-last      offsets of a committed copy
 *   E who what        an error, for the curious
 * On its input: `stop` (writers end), `final` (a fresh reader reads both to their ends, then `F`), `end`.
 */
class History {
  static String bootstrap, name, from, to;
  static int partitions;
  static volatile boolean writing = true, running = true;

  public static void main(String[] args) throws Exception {
    bootstrap = args[0];
    name = args[1];
    from = args[2];
    to = args[3];
    partitions = Integer.parseInt(args[4]);
    List<Thread> writers = new ArrayList<>();
    for (int i = 0; i < Integer.parseInt(args[5]); i++) writers.add(start(name + "-w" + i, History::write));
    start(name + "-c", History::copy);
    start(name + "-r", History::read);
    var input = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = input.readLine()) != null; ) {
      if (line.equals("stop")) {
        writing = false;
        for (Thread writer : writers) writer.join();
        say("S", name);
      } else if (line.equals("final")) {
        readToTheEnd(name + "-final");
        say("F", name);
      } else break;
    }
    System.exit(0);
  }

  interface Work { void run(String who) throws Exception; }

  static Thread start(String who, Work work) {
    Thread thread = new Thread(() -> {
      try {
        work.run(who);
      } catch (Throwable wrong) {
        say("X", who, String.valueOf(wrong));
        System.exit(1);
      }
    });
    thread.start();
    return thread;
  }

  static synchronized void say(String... words) {
    System.out.println(String.join("\t", words).replace('\n', ' '));
  }

  static KafkaProducer<String, String> producer(String id) {
    for (;;) {
      var made = new KafkaProducer<>(Map.<String, Object>of("bootstrap.servers", bootstrap, "transactional.id", id, "request.timeout.ms", 4_000,
        "delivery.timeout.ms", 30_000, "max.block.ms", 20_000, "transaction.timeout.ms", 30_000, "retry.backoff.ms", 50), new StringSerializer(), new StringSerializer());
      try {
        made.initTransactions();
        return made;
      } catch (KafkaException e) {
        say("E", id, "init: " + e);
        made.close(Duration.ZERO);
      }
    }
  }

  static KafkaConsumer<String, String> consumer(String group) {
    Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "none", "enable.auto.commit", false, "isolation.level",
      "read_committed", "max.poll.records", 100, "session.timeout.ms", 6_000, "request.timeout.ms", 5_000, "default.api.timeout.ms", 20_000, "fetch.max.wait.ms", 200));
    if (group != null) {
      config.put("group.id", group);
      config.put("auto.offset.reset", "earliest");
    }
    return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
  }

  static void write(String who) throws Exception {
    Random random = new Random(who.hashCode());
    var producer = producer(who);
    for (int transaction = 0; writing; transaction++) {
      List<String> values = new ArrayList<>();
      List<Integer> places = new ArrayList<>();
      List<Future<RecordMetadata>> sent = new ArrayList<>();
      boolean aborts = random.nextInt(5) == 0, ending = false;
      String outcome = "aborted";
      try {
        producer.beginTransaction();
        for (int i = 0, count = 1 + random.nextInt(5); i < count; i++) {
          values.add(who + "." + transaction + "." + i);
          places.add(random.nextInt(partitions));
          sent.add(producer.send(new ProducerRecord<>(from, places.get(i), null, values.get(i))));
        }
        if (aborts) {
          if (random.nextBoolean()) producer.flush();
          producer.abortTransaction();
        } else {
          for (var one : sent) one.get();
          ending = true;
          for (;;) {
            try {
              producer.commitTransaction();
              break;
            } catch (org.apache.kafka.common.errors.TimeoutException again) {
              say("E", who, "commit: " + again);
            }
          }
          outcome = "committed";
        }
      } catch (KafkaException | ExecutionException e) {
        if (ending) outcome = "unknown";
        say("E", who, outcome + ": " + e);
        try {
          producer.abortTransaction();
        } catch (KafkaException fatal) {
          producer.close(Duration.ZERO);
          producer = producer(who);
        }
      }
      say("W", who, String.valueOf(transaction), outcome, IntStream.range(0, values.size()).mapToObj(i -> values.get(i) + "@" + places.get(i) + offset(sent, i)).collect(Collectors.joining(",")));
      Thread.sleep(random.nextInt(10));
    }
    producer.close(Duration.ofSeconds(5));
  }

  static String offset(List<Future<RecordMetadata>> sent, int i) {
    try {
      return i < sent.size() && sent.get(i).isDone() ? ":" + sent.get(i).get().offset() : "";
    } catch (Exception unknown) {
      return "";
    }
  }

  static void copy(String who) {
    var producer = producer(who);
    var consumer = consumer("copiers");
    consumer.subscribe(List.of(from));
    while (running) {
      try {
        var polled = consumer.poll(Duration.ofMillis(200));
        if (polled.isEmpty()) continue;
        producer.beginTransaction();
        Map<TopicPartition, OffsetAndMetadata> next = new HashMap<>();
        Map<TopicPartition, List<Future<RecordMetadata>>> sent = new HashMap<>();
        for (var record : polled) {
          var place = new TopicPartition(record.topic(), record.partition());
          var copied = producer.send(new ProducerRecord<>(to, record.partition(), null, record.value()));
          sent.computeIfAbsent(place, none -> new ArrayList<>()).add(copied);
          next.put(place, new OffsetAndMetadata(record.offset() + 1));
        }
        producer.sendOffsetsToTransaction(next, consumer.groupMetadata());
        producer.commitTransaction();
        for (var place : polled.partitions()) {
          var records = polled.records(place);
          var copies = sent.get(place);
          say("C", who, String.valueOf(place.partition()), String.valueOf(records.get(0).offset()), String.valueOf(records.get(records.size() - 1).offset()),
            offset(copies, 0).substring(1), offset(copies, copies.size() - 1).substring(1));
        }
      } catch (KafkaException e) {
        say("E", who, "copy: " + e);
        // From what is committed, whatever that is.
        producer.close(Duration.ZERO);
        try {
          consumer.close(Duration.ofSeconds(2));
        } catch (KafkaException ignored) {
          say("E", who, "close: " + ignored);
        }
        producer = producer(who);
        consumer = consumer("copiers");
        consumer.subscribe(List.of(from));
      }
    }
  }

  static List<TopicPartition> places() {
    return Stream.of(from, to).flatMap(topic -> IntStream.range(0, partitions).mapToObj(i -> new TopicPartition(topic, i))).toList();
  }

  static void tell(String who, ConsumerRecords<String, String> polled) {
    for (var record : polled) say("R", who, record.topic(), String.valueOf(record.partition()), String.valueOf(record.offset()), record.value());
  }

  static void read(String who) {
    var consumer = consumer(null);
    consumer.assign(places());
    for (var place : places()) consumer.seek(place, 0);
    while (running) {
      try {
        tell(who, consumer.poll(Duration.ofMillis(200)));
      } catch (RetriableException e) {
        say("E", who, "read: " + e);
      }
    }
  }

  static void readToTheEnd(String who) {
    try (var consumer = consumer(null)) {
      consumer.assign(places());
      for (var place : places()) consumer.seek(place, 0);
      var ends = consumer.endOffsets(places());
      while (places().stream().anyMatch(place -> consumer.position(place) < ends.get(place))) tell(who, consumer.poll(Duration.ofMillis(200)));
    }
  }
}
