package peer;

import java.util.Arrays;

/** The fields of a flush that the job needs; one object is reused for all flushes. */
final class Flush {
    String userId;
    int count;
    String[] impressionIds = new String[16];
    String[] artworkIds = new String[16];
    long[] seenAt = new long[16];

    void clear() {
        userId = null;
        count = 0;
    }

    /** Makes room for one more impression. */
    void grow() {
        if (count == seenAt.length) {
            impressionIds = Arrays.copyOf(impressionIds, 2 * count);
            artworkIds = Arrays.copyOf(artworkIds, 2 * count);
            seenAt = Arrays.copyOf(seenAt, 2 * count);
        }
    }

    /** Throws if something that the job needs is missing. */
    void check() {
        boolean whole = userId != null && count > 0;
        for (int at = 0; whole && at < count; at++) {
            whole = impressionIds[at] != null && artworkIds[at] != null && seenAt[at] >= 0;
        }
        if (!whole) {
            throw new IllegalArgumentException("not a flush");
        }
    }
}
