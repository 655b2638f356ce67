package peer;

import java.util.Arrays;

/**
 * A user's state: the artworks seen, and the impressions accepted in the latest window of event time and the one
 * before it. These include every possible neighbour of an impression in the latest window; older ones are in
 * {@link Past}.
 */
final class User {
    private static final int HEADER = 10;

    /** The latest window that holds an accepted impression, as a number of windows since the epoch; -1 without one. */
    long window = -1;
    /** Accepted impressions of that window and the one before it. */
    final Looks looks;

    private long[] artworks;
    private int seen;

    User() {
        looks = new Looks();
        artworks = new long[4];
    }

    /** Reads what {@link #bytes} wrote. */
    User(byte[] bytes) {
        window = Pack.get(bytes, 0, 6);
        int words = (int) Pack.get(bytes, 6, 4);
        artworks = new long[words];
        int at = HEADER;
        for (int word = 0; word < words; word++, at += 8) {
            artworks[word] = Pack.get(bytes, at, 8);
            seen += Long.bitCount(artworks[word]);
        }
        looks = Looks.read(bytes, at, base());
    }

    /** Returns the packed user: a fixed header, a bit for each artwork, five bytes for each impression. */
    byte[] bytes() {
        byte[] bytes = new byte[HEADER + 8 * artworks.length + looks.packedLength()];
        Pack.put(bytes, 0, 6, window);
        Pack.put(bytes, 6, 4, artworks.length);
        int at = HEADER;
        for (long word : artworks) {
            Pack.put(bytes, at, 8, word);
            at += 8;
        }
        looks.write(bytes, at, base());
        return bytes;
    }

    /** Marks an artwork as seen. */
    void see(int artwork) {
        int word = artwork >> 6;
        if (word >= artworks.length) {
            artworks = Arrays.copyOf(artworks, word + 1);
        }
        long before = artworks[word];
        artworks[word] = before | 1L << artwork;
        if (artworks[word] != before) {
            seen++;
        }
    }

    /** Returns the number of distinct artworks seen. */
    int seen() {
        return seen;
    }

    private long base() {
        return (window - 1) * Job.WINDOW_MS;
    }
}
