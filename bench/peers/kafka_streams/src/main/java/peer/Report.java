package peer;

import java.util.List;

/** A flush as Jackson reads it: its impressions. The user is the record's key. */
final class Report {
    public List<Look> impressions;

    /** One of its impressions. */
    static final class Look {
        public String impressionId;
        public String artworkId;
        /** Milliseconds since the epoch. */
        public long seenAt;
    }
}
