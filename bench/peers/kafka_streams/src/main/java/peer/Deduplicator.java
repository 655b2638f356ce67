package peer;

import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessorContext;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.WindowStore;
import org.apache.kafka.streams.state.WindowStoreIterator;

/**
 * Decides every impression of a partition by the pattern for event deduplication: an impression is a duplicate if and
 * only if the window store holds an accepted one of the same user and artwork less than the window from it.
 */
final class Deduplicator extends ContextualFixedKeyProcessor<String, Report, Accepted> {
    private final Progress progress;
    private WindowStore<String, Long> accepted;
    private KeyValueStore<String, Seen> users;

    Deduplicator(Progress progress) {
        this.progress = progress;
    }

    @Override
    public void init(FixedKeyProcessorContext<String, Accepted> given) {
        super.init(given);
        accepted = given.getStateStore(DocumentedJob.ACCEPTED);
        users = given.getStateStore(DocumentedJob.USERS);
    }

    @Override
    public void process(FixedKeyRecord<String, Report> record) {
        String userId = record.key();
        // Read at most once per record, and written only if the record has a new artwork.
        Seen seen = null;
        boolean changed = false;
        for (Report.Look look : record.value().impressions) {
            String key = userId + "|" + look.artworkId;
            if (isDuplicate(key, look.seenAt)) {
                continue;
            }
            accepted.put(key, look.seenAt, look.seenAt);
            seen = seen == null ? seen(userId) : seen;
            changed |= seen.artworks.add(look.artworkId);
            context().forward(record.withValue(new Accepted(
                    userId, look.artworkId, look.impressionId, look.seenAt, seen.artworks.size())));
        }
        if (changed) {
            users.put(userId, seen);
        }
        progress.add(record.value().impressions.size());
    }

    private boolean isDuplicate(String key, long seenAt) {
        try (WindowStoreIterator<Long> near =
                accepted.fetch(key, seenAt - Job.WINDOW_MS + 1, seenAt + Job.WINDOW_MS - 1)) {
            return near.hasNext();
        }
    }

    private Seen seen(String userId) {
        Seen seen = users.get(userId);
        return seen == null ? new Seen() : seen;
    }
}
