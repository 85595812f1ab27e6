import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Flink counts records by their text, exactly once: `CountByKey BOOTSTRAP INPUT OUTPUT CHECKPOINTS POOLING|INCREMENTING [CHECKPOINT]`,
 * until it is killed. What it had at CHECKPOINT it goes on from.
 */
public class CountByKey {
  static class Count extends KeyedProcessFunction<String, String, String> {
    private transient ValueState<Long> seen;

    @Override
    public void open(OpenContext context) {
      seen = getRuntimeContext().getState(new ValueStateDescriptor<>("seen", Types.LONG));
    }

    @Override
    public void processElement(String text, Context context, Collector<String> out) throws Exception {
      var before = seen.value();
      var count = before == null ? 1 : before + 1;
      seen.update(count);
      out.collect(text + "=" + count);
    }
  }

  public static void main(String[] args) throws Exception {
    var settings = new Configuration();
    settings.setString("execution.checkpointing.interval", "500ms");
    settings.setString("execution.checkpointing.dir", "file://" + args[3]);
    settings.setString("execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION");
    settings.setString("execution.checkpointing.num-retained", "3");
    settings.setString("restart-strategy.type", "none");
    settings.setString("taskmanager.memory.network.max", "32mb");
    settings.setString("taskmanager.memory.network.min", "32mb");
    settings.setString("taskmanager.memory.managed.size", "16mb");
    if (args.length > 5) settings.setString("execution.state-recovery.path", "file://" + args[5]);
    var environment = StreamExecutionEnvironment.getExecutionEnvironment(settings);
    environment.setParallelism(2);
    var source =
        KafkaSource.<String>builder()
            .setBootstrapServers(args[0])
            .setTopics(args[1])
            .setGroupId("flink")
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setValueOnlyDeserializer(new SimpleStringSchema())
            .setProperty("commit.offsets.on.checkpoint", "true")
            .build();
    var sink =
        KafkaSink.<String>builder()
            .setBootstrapServers(args[0])
            .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
            .setTransactionalIdPrefix("flink-counts")
            .setTransactionNamingStrategy(TransactionNamingStrategy.valueOf(args[4]))
            .setProperty("transaction.timeout.ms", "60000")
            .setRecordSerializer(
                KafkaRecordSerializationSchema.<String>builder()
                    .setTopic(args[2])
                    .setKeySerializationSchema(
                        text -> text.substring(0, text.indexOf('=')).getBytes(StandardCharsets.UTF_8))
                    .setValueSerializationSchema(new SimpleStringSchema())
                    .build())
            .build();
    environment
        .fromSource(source, WatermarkStrategy.noWatermarks(), "lines")
        .keyBy(text -> text)
        .process(new Count())
        .sinkTo(sink);
    environment.execute("count");
  }
}
