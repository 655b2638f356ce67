package peer;

import java.util.Arrays;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.StreamsConfig;

/**
 * The bench's settings from the environment.
 *
 * @param bootstrap the broker, host:port
 * @param folder where the state goes
 * @param metricsPort port of {@link Progress} on the loopback address
 * @param input topic of flushes
 * @param output topic of accepted impressions
 * @param group application id
 * @param variant PEER_VARIANT's pairs: layout (tuned, documented; default tuned), caching (on, off), threads,
 *     guarantee (at_least_once, exactly_once_v2); and, if asked for, any setting of Kafka Streams by its own name
 */
record Peer(
        String bootstrap,
        String folder,
        int metricsPort,
        String input,
        String output,
        String group,
        Map<String, String> variant) {

    // For all partitions: more than the users active between two commits.
    private static final long CACHE_BYTES = 32L << 20;
    private static final int POLLED_RECORDS = 5_000;
    private static final int FETCH_BYTES = 4 << 20;
    private static final int BATCH_BYTES = 256 << 10;
    private static final int SESSION_MS = 10_000;

    static Peer of(Map<String, String> environment) {
        return new Peer(
                environment.get("PEER_BOOTSTRAP"),
                environment.get("PEER_FOLDER"),
                Integer.parseInt(environment.get("PEER_METRICS_PORT")),
                environment.get("PEER_INPUT"),
                environment.get("PEER_OUTPUT"),
                environment.get("PEER_GROUP"),
                Arrays.stream(environment.get("PEER_VARIANT").split(","))
                        .map(pair -> pair.split("=", 2))
                        .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1])));
    }

    /** Whether the topology is the documented one, not the hand-tuned one. */
    boolean documented() {
        return variant.getOrDefault("layout", "tuned").equals("documented");
    }

    /** Whether Kafka Streams' record cache is in front of the stores. */
    boolean caching() {
        return variant.get("caching").equals("on");
    }

    /**
     * The settings of Kafka Streams and its clients. Everything else is Kafka Streams' default, including the commit
     * interval of each guarantee (30 s, 100 ms) and the producer's linger of 100 ms.
     */
    Properties properties() {
        Properties all = new Properties();
        all.put(StreamsConfig.APPLICATION_ID_CONFIG, group);
        all.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        all.put(StreamsConfig.STATE_DIR_CONFIG, folder);
        all.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, variant.get("threads"));
        all.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, variant.get("guarantee"));
        all.put(StreamsConfig.NUM_STANDBY_REPLICAS_CONFIG, 0);
        all.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, caching() ? CACHE_BYTES : 0L);
        all.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, SmallValues.class);
        all.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 2 * POLLED_RECORDS);
        all.put(StreamsConfig.ENABLE_METRICS_PUSH_CONFIG, false);
        // The default of the next major version; set because Kafka Streams warns about the current one at each start.
        all.put(StreamsConfig.PROCESSING_EXCEPTION_HANDLER_GLOBAL_ENABLED_CONFIG, true);
        consumer(all);
        producer(all);
        variant.keySet().stream().filter(name -> name.contains(".")).forEach(name -> all.put(name, variant.get(name)));
        return all;
    }

    private void consumer(Properties all) {
        // A static member: after a SIGKILL it continues where it was, without waiting for its own session to end.
        all.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), group);
        all.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), SESSION_MS);
        all.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), POLLED_RECORDS);
        all.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG), FETCH_BYTES);
        all.put(StreamsConfig.consumerPrefix(ConsumerConfig.CHECK_CRCS_CONFIG), false);
    }

    private void producer(Properties all) {
        all.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), BATCH_BYTES);
        all.put(StreamsConfig.producerPrefix(ProducerConfig.COMPRESSION_TYPE_CONFIG), "lz4");
    }
}
