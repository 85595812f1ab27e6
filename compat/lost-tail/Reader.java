import java.io.PrintStream;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.LogTruncationException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Reads one partition from its beginning until it is killed, and tells each record: `Reader BOOTSTRAP TOPIC RESET`. RESET is
 * auto.offset.reset from when the beginning was found. `r OFFSET VALUE` for a record; `t OFFSET` when the log was truncated to
 * there, which ends it.
 */
public class Reader {
  public static void main(String[] args) {
    var properties = new Properties();
    properties.put("bootstrap.servers", args[0]);
    properties.put("auto.offset.reset", args[2]);
    properties.put("enable.auto.commit", "false");
    properties.put("retry.backoff.ms", "50");
    var out = new PrintStream(System.out, true);
    var partition = new TopicPartition(args[1], 0);
    try (var consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer())) {
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      for (;;) consumer.poll(Duration.ofMillis(100)).forEach(one -> out.println("r " + one.offset() + " " + one.value()));
    } catch (LogTruncationException truncated) {
      out.println("t " + truncated.divergentOffsets().get(partition).offset());
    }
  }
}
