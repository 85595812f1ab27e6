import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidRecordStateException;
import org.apache.kafka.common.serialization.*;

/**
 * Several members of one share group (Java's KafkaShareConsumer), of which some acknowledge explicitly and some implicitly, some
 * come and go, and some give records back, while a producer writes: `Sharing <bootstrap> <records> <members> <seed>`. Says `half`
 * when half of the records are accepted, so that somebody may kill the service. Ends when every record was accepted by somebody,
 * and says in its last line how often that was.
 */
public class Sharing {
  static final int PARTITIONS = 4;
  static final long PATIENCE_MS = 180_000;
  /** No record may come any more for so long: longer than locks last. */
  static final long QUIET_MS = 20_000;
  /** With records missing: longer than the service takes to come back. */
  static final long GIVE_UP_MS = 60_000;

  static final Map<String, AtomicInteger> accepted = new ConcurrentHashMap<>();
  static final Map<String, AtomicInteger> delivered = new ConcurrentHashMap<>();
  static final AtomicInteger wrong = new AtomicInteger();
  static final AtomicInteger unacknowledged = new AtomicInteger();
  /** Accepted, and no answer came: whether that counted nobody can tell, except that they then never come again. */
  static final Set<String> unanswered = ConcurrentHashMap.newKeySet();
  static final AtomicLong lastNews = new AtomicLong();
  static volatile boolean ended = false;

  public static void main(String[] args) throws Exception {
    String bootstrap = args[0];
    int records = Integer.parseInt(args[1]);
    int members = Integer.parseInt(args[2]);
    long seed = Long.parseLong(args[3]);
    String topic = "shared-" + seed;
    String group = "sharers-" + seed;
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      admin.createTopics(List.of(new NewTopic(topic, PARTITIONS, (short) 1))).all().get();
      ConfigResource resource = new ConfigResource(ConfigResource.Type.GROUP, group);
      List<AlterConfigOp> ops = List.of(
          new AlterConfigOp(new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET),
          new AlterConfigOp(new ConfigEntry("share.delivery.count.limit", "10"), AlterConfigOp.OpType.SET),
          new AlterConfigOp(new ConfigEntry("share.record.lock.duration.ms", "15000"), AlterConfigOp.OpType.SET));
      admin.incrementalAlterConfigs(Map.of(resource, ops)).all().get();
    }
    ExecutorService threads = Executors.newCachedThreadPool();
    threads.submit(() -> produce(bootstrap, topic, records));
    for (int i = 0; i < members; i++) {
      int member = i;
      threads.submit(() -> share(bootstrap, topic, group, member, new Random(seed + member)));
    }
    long begin = System.currentTimeMillis();
    lastNews.set(begin);
    boolean saidHalf = false;
    while (System.currentTimeMillis() - begin < PATIENCE_MS) {
      Thread.sleep(100);
      if (!saidHalf && accepted.size() >= records / 2) {
        System.out.println("half");
        saidHalf = true;
      }
      Set<String> settled = new HashSet<>(unanswered);
      settled.addAll(accepted.keySet());
      long quietMs = System.currentTimeMillis() - lastNews.get();
      if (quietMs > (settled.size() >= records ? QUIET_MS : GIVE_UP_MS)) break;
    }
    ended = true;
    threads.shutdown();
    threads.awaitTermination(30, TimeUnit.SECONDS);
    int lost = 0;
    int untold = 0;
    for (int i = 0; i < records; i++) {
      if (accepted.containsKey("v" + i)) continue;
      if (unanswered.contains("v" + i)) untold += 1;
      else lost += 1;
    }
    long twice = accepted.values().stream().filter(count -> count.get() > 1).count();
    long again = delivered.values().stream().filter(count -> count.get() > 1).count();
    System.out.println("result lost=" + lost + " left=" + left(bootstrap, group) + " acceptedUnanswered=" + untold + " acceptedMoreThanOnce=" + twice + " deliveredMoreThanOnce=" + again
        + " wrong=" + wrong.get() + " acknowledgementsRefused=" + unacknowledged.get());
    System.exit(lost == 0 && wrong.get() == 0 ? 0 : 1);
  }

  /** What the service says that the group has before it still. */
  static long left(String bootstrap, String group) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      long left = 0;
      var offsets = admin.listShareGroupOffsets(Map.of(group, new ListShareGroupOffsetsSpec())).partitionsToOffsetInfo(group).get();
      for (SharePartitionOffsetInfo info : offsets.values()) left += info.lag().orElse(0L);
      return left;
    }
  }

  static void produce(String bootstrap, String topic, int records) {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("delivery.timeout.ms", "170000");
    properties.put("linger.ms", "2");
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer())) {
      for (int i = 0; i < records; i++) {
        producer.send(new ProducerRecord<>(topic, "k" + i, "v" + i), (metadata, error) -> {
          if (error != null) {
            System.out.println("a record could not be written: " + error);
            wrong.incrementAndGet();
          }
        });
        if (i % 100 == 99) Thread.sleep(20);
      }
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
    }
  }

  /** Members 0 and 1 acknowledge implicitly; member 2 goes after some polls and comes back as another one. */
  static void share(String bootstrap, String topic, String group, int member, Random random) {
    try {
      while (!ended) shareFor(bootstrap, topic, group, member, random, member == 2 ? 10 : Integer.MAX_VALUE);
    } catch (Throwable error) {
      wrong.incrementAndGet();
      error.printStackTrace(System.out);
    }
  }

  static void shareFor(String bootstrap, String topic, String group, int member, Random random, int polls) {
    boolean explicit = member > 1;
    Properties properties = new Properties();
    properties.put("bootstrap.servers", bootstrap);
    properties.put("group.id", group);
    properties.put("client.id", "member-" + member);
    properties.put("share.acknowledgement.mode", explicit ? "explicit" : "implicit");
    properties.put("max.poll.records", "100");
    if (member == 3) properties.put("share.acquire.mode", "record_limit");
    Map<String, String> values = new ConcurrentHashMap<>();
    Set<String> given = ConcurrentHashMap.newKeySet();
    try (KafkaShareConsumer<String, String> consumer =
        new KafkaShareConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
      consumer.setAcknowledgementCommitCallback((offsets, error) -> offsets.forEach((partition, ones) -> {
        for (long offset : ones) {
          String place = partition.partition() + "/" + offset;
          String value = values.get(place);
          if (error != null) {
            unacknowledged.incrementAndGet();
            boolean refused = error instanceof InvalidRecordStateException;
            if (!refused && value != null && !given.contains(place)) unanswered.add(value);
          } else if (!given.contains(place) && values.containsKey(place))
            accepted.computeIfAbsent(values.get(place), any -> new AtomicInteger()).incrementAndGet();
        }
      }));
      consumer.subscribe(List.of(topic));
      for (int poll = 0; poll < polls && !ended; poll++) {
        ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(500));
        for (ConsumerRecord<String, String> record : records) {
          lastNews.set(System.currentTimeMillis());
          if (!record.key().substring(1).equals(record.value().substring(1))) wrong.incrementAndGet();
          delivered.computeIfAbsent(record.value(), any -> new AtomicInteger()).incrementAndGet();
          String place = record.partition() + "/" + record.offset();
          values.put(place, record.value());
          if (!explicit) continue;
          boolean release = random.nextInt(20) == 0 && record.deliveryCount().orElse((short) 1) < 5;
          if (release) given.add(place);
          else given.remove(place);
          consumer.acknowledge(record, release ? AcknowledgeType.RELEASE : AcknowledgeType.ACCEPT);
        }
        if (explicit && member % 2 == 0) consumer.commitSync();
        else if (explicit) consumer.commitAsync();
      }
    }
  }
}
