import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** A member by Java's clients: Member BOOTSTRAP TOPIC GROUP PROTOCOL INSTANCE; ends cleanly on SIGTERM. */
class Member {
  private static volatile boolean running = true;

  public static void main(String[] args) throws Exception {
    var config = new Properties();
    config.put("bootstrap.servers", args[0]);
    config.put("group.id", args[2]);
    config.put("group.protocol", args[3]);
    config.put("auto.offset.reset", "earliest");
    config.put("enable.auto.commit", "false");
    if (args[3].equals("classic")) {
      config.put("session.timeout.ms", "6000");
      config.put("heartbeat.interval.ms", "1000");
      config.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");
    }
    if (args.length > 4 && !args[4].isEmpty()) config.put("group.instance.id", args[4]);
    var consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    var main = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      running = false;
      try {
        main.join();
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
    }));
    var out = new PrintStream(System.out, false);
    consumer.subscribe(List.of(args[1]));
    while (running) {
      var records = consumer.poll(Duration.ofMillis(100));
      if (records.isEmpty()) continue;
      records.forEach(one -> out.println("r " + one.partition() + " " + one.offset()));
      // Before it is committed it is told, so that what is told twice is no more than what was read twice.
      out.flush();
      try {
        consumer.commitSync();
      } catch (CommitFailedException | RebalanceInProgressException | RetriableException rebalanced) {
        // A rebalance was faster: what it keeps it commits with the next records, the rest is read again by others.
        System.err.println("not committed: " + rebalanced);
      }
    }
    consumer.close();
    out.println("end");
    out.flush();
  }
}
