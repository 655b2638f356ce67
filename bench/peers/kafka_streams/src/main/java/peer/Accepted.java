package peer;

/**
 * An accepted impression as Jackson writes it.
 *
 * @param seenAt ms since the epoch
 * @param seen distinct artworks that the user has seen
 */
record Accepted(String userId, String artworkId, String impressionId, long seenAt, int seen) {}
