package peer;

import com.alibaba.fastjson2.JSONReader;
import com.alibaba.fastjson2.util.Fnv;

/** Reads flushes from JSON, field by field; recognizes field names by hash, as fastjson2's generated readers do. */
final class FlushReader {
    private static final long USER_ID = Fnv.hashCode64("user_id");
    private static final long IMPRESSIONS = Fnv.hashCode64("impressions");
    private static final long IMPRESSION_ID = Fnv.hashCode64("impression_id");
    private static final long ARTWORK_ID = Fnv.hashCode64("artwork_id");
    private static final long SEEN_AT = Fnv.hashCode64("seen_at");

    private final Flush flush = new Flush();

    /** Returns the flush in an object that the next call reuses. Throws if it isn't a flush. */
    Flush read(byte[] json) {
        flush.clear();
        try (JSONReader reader = JSONReader.of(json)) {
            begin(reader);
            while (!reader.nextIfObjectEnd()) {
                long name = reader.readFieldNameHashCode();
                if (name == USER_ID) {
                    flush.userId = reader.readString();
                } else if (name == IMPRESSIONS) {
                    impressions(reader);
                } else {
                    reader.skipValue();
                }
            }
        }
        flush.check();
        return flush;
    }

    private void impressions(JSONReader reader) {
        if (!reader.nextIfArrayStart()) {
            throw new IllegalArgumentException("impressions is not an array");
        }
        while (!reader.nextIfArrayEnd()) {
            flush.grow();
            impression(reader, flush.count++);
        }
        reader.nextIfComma();
    }

    private void impression(JSONReader reader, int at) {
        flush.impressionIds[at] = null;
        flush.artworkIds[at] = null;
        flush.seenAt[at] = -1;
        begin(reader);
        while (!reader.nextIfObjectEnd()) {
            long name = reader.readFieldNameHashCode();
            if (name == IMPRESSION_ID) {
                flush.impressionIds[at] = reader.readString();
            } else if (name == ARTWORK_ID) {
                flush.artworkIds[at] = reader.readString();
            } else if (name == SEEN_AT) {
                flush.seenAt[at] = reader.readInt64Value();
            } else {
                reader.skipValue();
            }
        }
        reader.nextIfComma();
    }

    private static void begin(JSONReader reader) {
        if (!reader.nextIfObjectStart()) {
            throw new IllegalArgumentException("not an object");
        }
    }
}
