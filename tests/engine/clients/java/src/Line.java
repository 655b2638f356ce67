import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.UUID;

/** A row of the table that the test makes, by its number. */
public record Line(BigInteger id, String name, Double score, ZonedDateTime seen, ZonedDateTime at, List<String> tags,
                   String tier, BigDecimal price, boolean ok, UUID uid) {
    static final ZoneId TOKYO = ZoneId.of("Asia/Tokyo");

    static Line of(long id) {
        return new Line(BigInteger.valueOf(id), "náme " + id + "\n\t'\\", id % 2 == 0 ? id / 8.0 : null,
            Instant.ofEpochSecond(1676369730 + id).atZone(TOKYO),
            Instant.ofEpochMilli(1676369730123L + id).atZone(ZoneOffset.UTC), List.of("t" + id, ""),
            id % 3 == 0 ? "pro" : "free", BigDecimal.valueOf(10000 + id, 4), id % 2 == 0, uuid(id));
    }

    static UUID uuid(long id) {
        return UUID.fromString(String.format("00000000-0000-4000-8000-%012d", id));
    }

    // client-v2 finds the getters by their names.
    public BigInteger getId() { return id; }
    public String getName() { return name; }
    public Double getScore() { return score; }
    public ZonedDateTime getSeen() { return seen; }
    public ZonedDateTime getAt() { return at; }
    public List<String> getTags() { return tags; }
    public String getTier() { return tier; }
    public BigDecimal getPrice() { return price; }
    public boolean isOk() { return ok; }
    public UUID getUid() { return uid; }

    /** Ends the program if a row is not the one of this number. */
    static void check(long id, Object name, Object score, ZonedDateTime seen, ZonedDateTime at, List<?> tags,
                      Object tier, BigDecimal price, boolean ok, Object uid) {
        Line is = of(id);
        Check.equal(List.of(is.name, String.valueOf(is.score), is.seen, is.at.toInstant(), is.tags, is.tier, is.ok, is.uid),
            List.of(name, String.valueOf(score), seen, at.toInstant(), tags, tier, ok, uid));
        Check.that(is.price.compareTo(price) == 0, "price " + price);
    }
}
