import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;

/** Kafka Streams counts words, exactly once: `java word-count.java BOOTSTRAP INPUT OUTPUT APPLICATION STATE_DIRECTORY`, until it is killed. */
class WordCount {
  public static void main(String[] args) throws Exception {
    var builder = new StreamsBuilder();
    builder
        .stream(args[1], Consumed.with(Serdes.String(), Serdes.String()))
        .flatMapValues(line -> Arrays.asList(line.split(" ")))
        // A new key: through a repartition topic, whose records are deleted once they are read.
        .groupBy((key, word) -> word, Grouped.with(Serdes.String(), Serdes.String()))
        .count()
        .toStream()
        .to(args[2], Produced.with(Serdes.String(), Serdes.Long()));
    var config = new Properties();
    config.putAll(
        Map.of(
            "bootstrap.servers", args[0],
            "application.id", args[3],
            "state.dir", args[4],
            "processing.guarantee", "exactly_once_v2",
            "commit.interval.ms", "100",
            // Every count is written, so that the reader sees each number once.
            "statestore.cache.max.bytes", "0",
            "replication.factor", "1",
            "auto.offset.reset", "earliest",
            // A killed instance is missed for this long.
            "session.timeout.ms", "6000"));
    var streams = new KafkaStreams(builder.build(), config);
    streams.setUncaughtExceptionHandler(
        error -> {
          error.printStackTrace();
          System.exit(1);
          return null;
        });
    streams.start();
    Thread.currentThread().join();
  }
}
