import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.awssdk.services.kinesis.model.*;

/**
 * The asynchronous client of the AWS SDK for Java, as it comes: Netty, HTTP/2, CBOR. `java client.java ENDPOINT KEY SECRET`
 * puts and reads records and checks what it gets; the first line that is wrong ends it with 1.
 */
class JavaClient {
  static final int RECORDS = 1_000;
  static final int RECORDS_A_PUT = 250;
  static final String STREAM = "java-v2";

  public static void main(String[] args) throws Exception {
    try (KinesisAsyncClient kinesis =
        KinesisAsyncClient.builder()
            .endpointOverride(URI.create(args[0]))
            .region(Region.EU_CENTRAL_1)
            .credentialsProvider(StaticCredentialsProvider.create(AwsBasicCredentials.create(args[1], args[2])))
            .overrideConfiguration(c -> c.addExecutionInterceptor(new FormsSent()))
            .build()) {
      Instant begin = Instant.now();
      kinesis.createStream(r -> r.streamName(STREAM).shardCount(2)).join();
      StreamDescriptionSummary summary =
          kinesis.describeStreamSummary(r -> r.streamName(STREAM)).join().streamDescriptionSummary();
      check(summary.streamStatus() == StreamStatus.ACTIVE, "status " + summary.streamStatusAsString());
      recent(summary.streamCreationTimestamp(), begin, "the stream's creation");

      Map<String, byte[]> sent = put(kinesis);
      List<Shard> shards = kinesis.listShards(r -> r.streamName(STREAM)).join().shards();
      check(shards.size() == 2, shards.size() + " shards");
      compare(sent, readAll(kinesis, shards, begin), "GetRecords");
      readFromTime(kinesis, shards, begin);
      compare(sent, subscribeToAll(kinesis, shards, summary.streamARN()), "SubscribeToShard");
      errors(kinesis);
      kinesis.deleteStream(r -> r.streamName(STREAM).enforceConsumerDeletion(true)).join();
    }
    System.out.println("sent: " + FormsSent.forms);
    System.out.println("all equal");
    // Threads of Netty would keep the process a while.
    System.exit(0);
  }

  /** In which forms the library has written its requests. */
  static class FormsSent implements ExecutionInterceptor {
    static final Map<String, List<String>> forms = new TreeMap<>();

    @Override
    public void beforeTransmission(Context.BeforeTransmission context, ExecutionAttributes attributes) {
      String form = context.httpRequest().firstMatchingHeader("Content-Type").orElse("none");
      String operation = context.request().getClass().getSimpleName().replace("Request", "");
      synchronized (forms) {
        List<String> operations = forms.computeIfAbsent(form, f -> new ArrayList<>());
        if (!operations.contains(operation)) operations.add(operation);
      }
    }
  }

  /** Keys in several scripts, data of any bytes and lengths. */
  static Map<String, byte[]> put(KinesisAsyncClient kinesis) {
    Map<String, byte[]> sent = new HashMap<>();
    List<PutRecordsRequestEntry> entries = new ArrayList<>();
    for (int i = 0; i < RECORDS; i++) {
      byte[] data = new byte[i % 2_000];
      for (int j = 0; j < data.length; j++) data[j] = (byte) (i + j * 7);
      String key = "clé-鍵-🔑-" + i;
      sent.put(key, data);
      entries.add(
          PutRecordsRequestEntry.builder().partitionKey(key).data(SdkBytes.fromByteArray(data)).build());
    }
    for (int first = 0; first < RECORDS; first += RECORDS_A_PUT) {
      List<PutRecordsRequestEntry> part = entries.subList(first, first + RECORDS_A_PUT);
      PutRecordsResponse answer = kinesis.putRecords(r -> r.streamName(STREAM).records(part)).join();
      check(answer.failedRecordCount() == 0, answer.failedRecordCount() + " records failed");
      check(answer.records().size() == RECORDS_A_PUT, answer.records().size() + " results");
    }
    byte[] alone = new byte[1024 * 1024 - 10];
    Arrays.fill(alone, (byte) 0xff);
    PutRecordResponse answer =
        kinesis
            .putRecord(r -> r.streamName(STREAM).partitionKey("alone").data(SdkBytes.fromByteArray(alone)))
            .join();
    check(answer.sequenceNumber().length() == 56, "sequence number " + answer.sequenceNumber());
    sent.put("alone", alone);
    return sent;
  }

  static Map<String, byte[]> readAll(KinesisAsyncClient kinesis, List<Shard> shards, Instant begin) {
    Map<String, byte[]> read = new HashMap<>();
    for (Shard shard : shards) {
      String iterator =
          kinesis
              .getShardIterator(
                  r -> r.streamName(STREAM).shardId(shard.shardId()).shardIteratorType("TRIM_HORIZON"))
              .join()
              .shardIterator();
      String last = "";
      for (; ; ) {
        String from = iterator;
        GetRecordsResponse page = kinesis.getRecords(r -> r.shardIterator(from).limit(177)).join();
        for (software.amazon.awssdk.services.kinesis.model.Record record : page.records()) {
          recent(record.approximateArrivalTimestamp(), begin, "a record's arrival");
          check(record.sequenceNumber().compareTo(last) > 0, "order of " + record.sequenceNumber());
          last = record.sequenceNumber();
          check(read.put(record.partitionKey(), record.data().asByteArray()) == null, "twice: " + record.partitionKey());
        }
        iterator = page.nextShardIterator();
        if (page.records().isEmpty() && page.millisBehindLatest() == 0) break;
      }
    }
    return read;
  }

  /** Times in requests: before everything there is all, in the future nothing. */
  static void readFromTime(KinesisAsyncClient kinesis, List<Shard> shards, Instant begin) {
    for (Shard shard : shards) {
      for (boolean future : new boolean[] {false, true}) {
        Instant time = future ? Instant.now() : begin.minus(Duration.ofMinutes(5));
        String iterator =
            kinesis
                .getShardIterator(
                    r ->
                        r.streamName(STREAM)
                            .shardId(shard.shardId())
                            .shardIteratorType(ShardIteratorType.AT_TIMESTAMP)
                            .timestamp(time))
                .join()
                .shardIterator();
        int count = kinesis.getRecords(r -> r.shardIterator(iterator)).join().records().size();
        check(future == (count == 0), count + " records from " + time);
      }
    }
  }

  static Map<String, byte[]> subscribeToAll(KinesisAsyncClient kinesis, List<Shard> shards, String streamArn)
      throws Exception {
    String consumer =
        kinesis
            .registerStreamConsumer(r -> r.streamARN(streamArn).consumerName("reader"))
            .join()
            .consumer()
            .consumerARN();
    Map<String, byte[]> read = new ConcurrentHashMap<>();
    CountDownLatch all = new CountDownLatch(RECORDS + 1);
    for (Shard shard : shards) {
      SubscribeToShardResponseHandler handler =
          SubscribeToShardResponseHandler.builder()
              // At the end the stream is deleted under them.
              .onError(error -> check(all.getCount() == 0, "SubscribeToShard: " + error))
              .subscriber(
                  SubscribeToShardResponseHandler.Visitor.builder()
                      .onSubscribeToShardEvent(
                          event -> {
                            check(event.continuationSequenceNumber() != null, "no continuation");
                            for (software.amazon.awssdk.services.kinesis.model.Record record : event.records()) {
                              check(
                                  read.put(record.partitionKey(), record.data().asByteArray()) == null,
                                  "twice: " + record.partitionKey());
                              all.countDown();
                            }
                          })
                      .build())
              .build();
      kinesis.subscribeToShard(
          r ->
              r.consumerARN(consumer)
                  .shardId(shard.shardId())
                  .startingPosition(p -> p.type(ShardIteratorType.TRIM_HORIZON)),
          handler);
    }
    check(all.await(30, TimeUnit.SECONDS), all.getCount() + " records did not come");
    return read;
  }

  static void errors(KinesisAsyncClient kinesis) {
    try {
      kinesis.describeStreamSummary(r -> r.streamName("nothing")).join();
      fail("a stream that there is not was described");
    } catch (CompletionException error) {
      check(error.getCause() instanceof ResourceNotFoundException, "class of " + error.getCause());
      KinesisException cause = (KinesisException) error.getCause();
      check(
          cause.awsErrorDetails().errorMessage().equals("Stream nothing under account 000000000000 not found."),
          cause.awsErrorDetails().errorMessage());
      check(cause.requestId() != null && cause.extendedRequestId() != null, "no request ids");
    }
    try {
      kinesis.putRecord(r -> r.streamName(STREAM).partitionKey("").data(SdkBytes.fromUtf8String("x"))).join();
      fail("an empty key was taken");
    } catch (CompletionException error) {
      String message = error.getCause().getMessage();
      check(message.contains("Value '' at 'partitionKey' failed to satisfy constraint"), message);
    }
  }

  static void compare(Map<String, byte[]> sent, Map<String, byte[]> read, String how) {
    check(read.size() == sent.size(), how + ": " + read.size() + " of " + sent.size() + " records");
    sent.forEach((key, data) -> check(Arrays.equals(data, read.get(key)), how + ": data of " + key));
    System.out.println(how + ": " + read.size() + " records");
  }

  static void recent(Instant time, Instant begin, String what) {
    Duration apart = Duration.between(begin, time).abs();
    check(apart.compareTo(Duration.ofMinutes(5)) < 0, what + " at " + time);
  }

  static void check(boolean right, String what) {
    if (!right) fail(what);
  }

  static void fail(String what) {
    System.out.println("wrong: " + what);
    Runtime.getRuntime().halt(1);
  }
}
