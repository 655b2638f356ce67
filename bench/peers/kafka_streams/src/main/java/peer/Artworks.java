package peer;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;

/**
 * Numbers for a partition's artworks, in the order in which they are first seen. They are in the same store as the
 * users and are written before a user needs them, so no crash leaves a user without them.
 */
final class Artworks {
    private static final String PREFIX = "a";
    private static final int WIDTH = 4;

    private final KeyValueStore<byte[], byte[]> store;
    private final Map<String, Integer> numbers = new HashMap<>();

    Artworks(KeyValueStore<byte[], byte[]> store) {
        this.store = store;
        try (KeyValueIterator<byte[], byte[]> all = store.prefixScan(PREFIX, new StringSerializer())) {
            while (all.hasNext()) {
                KeyValue<byte[], byte[]> each = all.next();
                String id = new String(each.key, StandardCharsets.UTF_8).substring(PREFIX.length());
                numbers.put(id, (int) Pack.get(each.value, 0, WIDTH));
            }
        }
    }

    /** Returns an artwork's number; if it has none, assigns the next one. */
    int number(String id) {
        Integer number = numbers.get(id);
        return number != null ? number : give(id);
    }

    private int give(String id) {
        int number = numbers.size();
        byte[] bytes = new byte[WIDTH];
        Pack.put(bytes, 0, WIDTH, number);
        store.put((PREFIX + id).getBytes(StandardCharsets.UTF_8), bytes);
        numbers.put(id, number);
        return number;
    }
}
