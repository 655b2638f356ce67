package peer;

import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;

/**
 * Decides every impression of a partition: it is a duplicate if and only if an accepted one of the same user and
 * artwork is less than the window from it. Each accepted impression is sent as its own record.
 */
final class Decider implements Processor<byte[], byte[], byte[], byte[]> {
    private final Progress progress;
    private final FlushReader reader = new FlushReader();
    private final AcceptedWriter writer = new AcceptedWriter();
    private ProcessorContext<byte[], byte[]> context;
    private Artworks artworks;
    private Users users;
    private Past past;

    Decider(Progress progress) {
        this.progress = progress;
    }

    @Override
    public void init(ProcessorContext<byte[], byte[]> given) {
        context = given;
        artworks = new Artworks(given.getStateStore(Job.USERS));
        users = new Users(given.getStateStore(Job.USERS));
        past = new Past(given.getStateStore(Job.PAST));
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
        Flush flush = reader.read(record.value());
        Users.Entry entry = users.get(flush.userId);
        boolean changed = false;
        for (int at = 0; at < flush.count; at++) {
            if (accept(entry, flush.artworkIds[at], flush.seenAt[at])) {
                changed = true;
                forward(record, flush, at, entry.user().seen());
            }
        }
        if (changed) {
            users.put(entry);
        }
        progress.add(flush.count);
    }

    private boolean accept(Users.Entry entry, String artworkId, long seenAt) {
        User user = entry.user();
        int artwork = artworks.number(artworkId);
        long window = seenAt / Job.WINDOW_MS;
        if (user.looks.near(artwork, seenAt)
                || window < user.window && past.near(entry.key(), artwork, seenAt)) {
            return false;
        }
        if (window > user.window) {
            past.shift(entry.key(), user, window);
        }
        if (window >= user.window - 1) {
            user.looks.add(artwork, seenAt);
        } else {
            past.add(entry.key(), artwork, seenAt);
        }
        user.see(artwork);
        return true;
    }

    private void forward(Record<byte[], byte[]> record, Flush flush, int at, int seen) {
        byte[] accepted =
                writer.write(flush.userId, flush.artworkIds[at], flush.impressionIds[at], flush.seenAt[at], seen);
        context.forward(record.withValue(accepted));
    }
}
