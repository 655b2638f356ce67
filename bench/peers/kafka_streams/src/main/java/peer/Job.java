package peer;

import java.time.Duration;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The hand-tuned topology: the input, one processor with its two stores, the output. Records are bytes throughout.
 */
final class Job {
    /** How far apart in event time two looks at an artwork must be for both to count (ms). */
    static final long WINDOW_MS = 600_000;
    /** How late in event time an impression may be and still be told from a duplicate. */
    static final Duration RETENTION = Duration.ofHours(24).plusMillis(2 * WINDOW_MS);

    static final String USERS = "users";
    static final String PAST = "past";

    private Job() {}

    static Topology topology(Peer peer, Progress progress) {
        Topology topology = new Topology();
        topology.addSource("input", new ByteArrayDeserializer(), new ByteArrayDeserializer(), peer.input());
        topology.addProcessor("decide", () -> new Decider(progress), "input");
        topology.addStateStore(cached(peer, users()), "decide");
        topology.addStateStore(cached(peer, past()), "decide");
        topology.addSink("output", peer.output(), new ByteArraySerializer(), new ByteArraySerializer(), "decide");
        return topology;
    }

    private static StoreBuilder<?> users() {
        return Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(USERS), Serdes.ByteArray(), Serdes.ByteArray());
    }

    private static StoreBuilder<?> past() {
        return Stores.windowStoreBuilder(
                Stores.persistentWindowStore(PAST, RETENTION, Duration.ofMillis(WINDOW_MS), false),
                Serdes.ByteArray(),
                Serdes.ByteArray());
    }

    /** Returns the store, behind Kafka Streams' record cache if the bench asks for that. */
    static StoreBuilder<?> cached(Peer peer, StoreBuilder<?> store) {
        return peer.caching() ? store.withCachingEnabled() : store.withCachingDisabled();
    }
}
