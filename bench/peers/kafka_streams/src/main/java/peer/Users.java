package peer;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.streams.state.KeyValueStore;

/** The users of a partition: a bounded number is kept decoded; all are in the store, which is written through. */
final class Users {
    private static final String PREFIX = "u";
    // Per partition. About 1 KB each, a tenth of the heap.
    private static final int MOST_DECODED = 8_000;

    private final KeyValueStore<byte[], byte[]> store;
    private final Map<String, Entry> decoded = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Entry> eldest) {
            return size() > MOST_DECODED;
        }
    };

    Users(KeyValueStore<byte[], byte[]> store) {
        this.store = store;
    }

    /** A user and their key in the stores. */
    record Entry(byte[] key, User user) {}

    Entry get(String id) {
        Entry entry = decoded.get(id);
        if (entry == null) {
            byte[] key = (PREFIX + id).getBytes(StandardCharsets.UTF_8);
            byte[] value = store.get(key);
            entry = new Entry(key, value == null ? new User() : new User(value));
            decoded.put(id, entry);
        }
        return entry;
    }

    void put(Entry entry) {
        store.put(entry.key, entry.user.bytes());
    }
}
