package peer;

import java.util.Arrays;

/** Accepted impressions of one user: pairs of artwork and time. They are few, so they are searched one by one. */
final class Looks {
    private static final int WIDTH = 5;
    // Part of the 40 bits of a packed pair; enough for the milliseconds of the two windows that are packed together.
    private static final int TIME_BITS = 21;
    private static final int MOST_ARTWORKS = 1 << 8 * WIDTH - TIME_BITS;
    private static final long TIME_MASK = (1L << TIME_BITS) - 1;

    private int count;
    private int[] artworks = new int[8];
    private long[] times = new long[8];

    int count() {
        return count;
    }

    long time(int index) {
        return times[index];
    }

    int artwork(int index) {
        return artworks[index];
    }

    void add(int artwork, long seenAt) {
        if (count == times.length) {
            artworks = Arrays.copyOf(artworks, 2 * count);
            times = Arrays.copyOf(times, 2 * count);
        }
        artworks[count] = artwork;
        times[count++] = seenAt;
    }

    /** Whether one of this artwork is less than the window from this time. */
    boolean near(int artwork, long seenAt) {
        for (int index = 0; index < count; index++) {
            if (artworks[index] == artwork && Math.abs(times[index] - seenAt) < Job.WINDOW_MS) {
                return true;
            }
        }
        return false;
    }

    /** Keeps only what was seen at this time (ms) or later. */
    void keepFrom(long seenAt) {
        int kept = 0;
        for (int index = 0; index < count; index++) {
            if (times[index] >= seenAt) {
                artworks[kept] = artworks[index];
                times[kept++] = times[index];
            }
        }
        count = kept;
    }

    int packedLength() {
        return WIDTH * count;
    }

    /** Writes all pairs, each time as its distance from `base` (ms); none may be earlier. */
    void write(byte[] bytes, int from, long base) {
        int at = from;
        for (int index = 0; index < count; index++, at += WIDTH) {
            long offset = times[index] - base;
            if (offset < 0 || offset > TIME_MASK || artworks[index] >= MOST_ARTWORKS) {
                throw new IllegalStateException("does not fit");
            }
            Pack.put(bytes, at, WIDTH, (long) artworks[index] << TIME_BITS | offset);
        }
    }

    /** Reads what {@link #write} wrote, up to the end of the array. */
    static Looks read(byte[] bytes, int from, long base) {
        Looks looks = new Looks();
        for (int at = from; at < bytes.length; at += WIDTH) {
            long pair = Pack.get(bytes, at, WIDTH);
            looks.add((int) (pair >>> TIME_BITS), base + (pair & TIME_MASK));
        }
        return looks;
    }
}
