package peer;

import java.time.Duration;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/**
 * The topology as in Kafka Streams' Developer Guide: typed streams with serdes, a processor with a window store for
 * deduplication and a key-value store for coverage, and in front of them only what Kafka Streams offers.
 */
final class DocumentedJob {
    /** When impressions were accepted, by "user|artwork". */
    static final String ACCEPTED = "accepted";
    /**
     * The artworks seen, by user. The other natural form takes more CPU time: an entry for each user and artwork, and a
     * count for each user.
     */
    static final String USERS = "users";

    private DocumentedJob() {}

    static Topology topology(Peer peer, Progress progress) {
        StreamsBuilder builder = new StreamsBuilder();
        builder.addStateStore(Job.cached(peer, accepted()));
        builder.addStateStore(Job.cached(peer, users()));
        builder.stream(peer.input(), Consumed.with(Serdes.String(), Json.serde(Report.class)))
                .processValues(() -> new Deduplicator(progress), ACCEPTED, USERS)
                .to(peer.output(), Produced.with(Serdes.String(), Json.serde(Accepted.class)));
        return builder.build();
    }

    private static StoreBuilder<?> accepted() {
        Duration window = Duration.ofMillis(Job.WINDOW_MS);
        return Stores.windowStoreBuilder(
                Stores.persistentWindowStore(ACCEPTED, Job.RETENTION, window, false), Serdes.String(), Serdes.Long());
    }

    private static StoreBuilder<?> users() {
        return Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore(USERS), Serdes.String(), Json.serde(Seen.class));
    }
}
