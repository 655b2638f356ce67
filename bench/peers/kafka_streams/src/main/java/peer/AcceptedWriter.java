package peer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Writes accepted impressions as JSON. Checks that ids hold nothing that JSON escapes. */
final class AcceptedWriter {
    private static final byte[] USER_ID = ascii("{\"user_id\":\"");
    private static final byte[] ARTWORK_ID = ascii("\",\"artwork_id\":\"");
    private static final byte[] IMPRESSION_ID = ascii("\",\"impression_id\":\"");
    private static final byte[] SEEN_AT = ascii("\",\"seen_at\":");
    private static final byte[] SEEN = ascii(",\"seen\":");
    // Longer than the names and numbers together.
    private static final int FRAME = 128;
    private static final int LONGEST_NUMBER = 20;

    private byte[] line = new byte[1024];
    private int length;

    /**
     * Returns one accepted impression.
     *
     * @param seenAt ms since the epoch
     * @param seen distinct artworks that the user has seen
     */
    byte[] write(String userId, String artworkId, String impressionId, long seenAt, int seen) {
        int most = FRAME + userId.length() + artworkId.length() + impressionId.length();
        if (line.length < most) {
            line = new byte[2 * most];
        }
        length = 0;
        bytes(USER_ID);
        id(userId);
        bytes(ARTWORK_ID);
        id(artworkId);
        bytes(IMPRESSION_ID);
        id(impressionId);
        bytes(SEEN_AT);
        number(seenAt);
        bytes(SEEN);
        number(seen);
        line[length++] = '}';
        return Arrays.copyOf(line, length);
    }

    private void bytes(byte[] some) {
        System.arraycopy(some, 0, line, length, some.length);
        length += some.length;
    }

    private void id(String id) {
        for (int at = 0; at < id.length(); at++) {
            char each = id.charAt(at);
            if (each < ' ' || each > '~' || each == '"' || each == '\\') {
                throw new IllegalArgumentException("not an id: " + id);
            }
            line[length++] = (byte) each;
        }
    }

    private void number(long number) {
        int at = length + LONGEST_NUMBER;
        int end = at;
        long rest = number;
        do {
            line[--at] = (byte) ('0' + rest % 10);
            rest /= 10;
        } while (rest > 0);
        System.arraycopy(line, at, line, length, end - at);
        length += end - at;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
