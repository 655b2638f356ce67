package peer;

import java.util.HashSet;
import java.util.Set;

/** The artworks that a user has seen, as Jackson reads and writes them. */
final class Seen {
    public Set<String> artworks = new HashSet<>();
}
