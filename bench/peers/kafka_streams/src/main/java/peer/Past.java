package peer;

import org.apache.kafka.streams.state.WindowStore;

/**
 * Accepted impressions older than those that {@link User} holds: one value for each user and window of event time, for
 * the store's retention. Read only for late impressions.
 */
final class Past {
    private final WindowStore<byte[], byte[]> store;

    Past(WindowStore<byte[], byte[]> store) {
        this.store = store;
    }

    /** Moves what has become old out of a user; from now on, this is their latest window. */
    void shift(byte[] key, User user, long window) {
        long from = (window - 1) * Job.WINDOW_MS;
        Looks looks = user.looks;
        for (long old = user.window - 1; old <= user.window && old < window - 1; old++) {
            Looks moved = new Looks();
            for (int index = 0; index < looks.count(); index++) {
                if (looks.time(index) / Job.WINDOW_MS == old) {
                    moved.add(looks.artwork(index), looks.time(index));
                }
            }
            if (moved.count() > 0) {
                put(key, old, moved);
            }
        }
        looks.keepFrom(from);
        user.window = window;
    }

    /** Whether one of this user and artwork is less than the deduplication window from this time. */
    boolean near(byte[] key, int artwork, long seenAt) {
        long window = seenAt / Job.WINDOW_MS;
        return get(key, window - 1).near(artwork, seenAt)
                || get(key, window).near(artwork, seenAt)
                || get(key, window + 1).near(artwork, seenAt);
    }

    void add(byte[] key, int artwork, long seenAt) {
        long window = seenAt / Job.WINDOW_MS;
        Looks looks = get(key, window);
        looks.add(artwork, seenAt);
        put(key, window, looks);
    }

    private Looks get(byte[] key, long window) {
        long base = window * Job.WINDOW_MS;
        byte[] bytes = window < 0 ? null : store.fetch(key, base);
        return bytes == null ? new Looks() : Looks.read(bytes, 0, base);
    }

    private void put(byte[] key, long window, Looks looks) {
        byte[] bytes = new byte[looks.packedLength()];
        looks.write(bytes, 0, window * Job.WINDOW_MS);
        store.put(key, bytes, window * Job.WINDOW_MS);
    }
}
