// Record that a user saw artworks, from Java 17 or later, without any library:
//
//   java examples/http/Send.java http://127.0.0.1:8080 u42 a0042 a0043
//
// A token, if the collector wants one, is in IMPRESSIONS_TOKEN. Prints the collector's answers once all is stored.

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.GZIPOutputStream;

public final class Send {
    /** Not stored: keep the flushes and send them again. */
    static final class NotStoredException extends Exception {
        NotStoredException(String why) {
            super(why);
        }
    }

    private static final Set<Integer> FINAL = Set.of(400, 401, 403, 415); // the same would be refused again
    private static final Pattern ID = Pattern.compile("[A-Za-z0-9._:-]{1,128}");
    // What says that it is stored. A page that a proxy answers in the collector's place is not that.
    private static final Pattern STORED =
            Pattern.compile("\\s*\\{\\s*\"accepted\"\\s*:\\s*\\d+\\s*,\\s*\"rejected\"(?s).*\\}\\s*");

    private final HttpClient client = HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(Duration.ofSeconds(10))
            .build();
    private final URI uri;
    private final String token;

    Send(String endpoint, String token) {
        this.uri = URI.create(endpoint + "/v1/impressions");
        this.token = token;
    }

    /** A flush with ids of its own. Make it once, keep it until it is stored, and send it as often as you like. */
    static String flushOf(String userId, List<String> artworkIds) {
        long now = System.currentTimeMillis();
        String impressions = artworkIds.stream()
                .map(id -> "{\"impression_id\":\"%s\",\"artwork_id\":\"%s\",\"seen_at\":%d}"
                        .formatted(UUID.randomUUID(), checked(id), now))
                .collect(Collectors.joining(","));
        return "{\"v\":1,\"flush_id\":\"%s\",\"user_id\":\"%s\",\"sent_at\":%d,\"impressions\":[%s]}"
                .formatted(UUID.randomUUID(), checked(userId), now, impressions);
    }

    private static String checked(String id) {
        if (!ID.matcher(id).matches()) {
            throw new IllegalArgumentException("an id is 1 to 128 of A-Z a-z 0-9 . _ : -, not " + id);
        }
        return id;
    }

    /**
     * Sends up to 500 flushes and returns the collector's answers, one for each request that it took; `rejected` in
     * them names what the stream won't accept.
     */
    List<String> send(List<String> flushes, Instant giveUpAt) throws NotStoredException, InterruptedException {
        HttpRequest request = request(String.join("\n", flushes).getBytes(StandardCharsets.UTF_8));
        for (int failures = 0; ; failures++) {
            int status = 0;
            OptionalLong retryAfter = OptionalLong.empty();
            String why;
            try {
                HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
                status = response.statusCode();
                String answer = response.body();
                if (status / 100 == 2 && STORED.matcher(answer).matches()) {
                    return List.of(answer);
                }
                retryAfter = response.headers().firstValue("Retry-After")
                        .filter(text -> text.matches("\\d{1,9}")).map(Long::parseLong)
                        .map(OptionalLong::of).orElse(OptionalLong.empty());
                why = status + " " + answer.substring(0, Math.min(200, answer.length()));
            } catch (IOException error) {
                why = error.toString();
            }
            if (status == 413 && flushes.size() > 1) {
                int middle = flushes.size() / 2;
                List<String> answers = new ArrayList<>(send(flushes.subList(0, middle), giveUpAt));
                answers.addAll(send(flushes.subList(middle, flushes.size()), giveUpAt));
                return answers;
            }
            if (status == 413 || FINAL.contains(status)) {
                throw new NotStoredException("refused: " + why);
            }
            long pauseMs = pauseMs(failures, retryAfter);
            if (Instant.now().plusMillis(pauseMs).isAfter(giveUpAt)) {
                throw new NotStoredException("not stored in time: " + why);
            }
            Thread.sleep(pauseMs);
        }
    }

    /** What the collector asks for and up to half as much more; without it, at random up to twice as long each time. */
    private static long pauseMs(int failures, OptionalLong retryAfter) {
        double random = ThreadLocalRandom.current().nextDouble();
        if (retryAfter.isPresent()) {
            return (long) (1000 * retryAfter.getAsLong() * (1 + random / 2));
        }
        return (long) (1000 * random * Math.min(30, 0.5 * Math.pow(2, failures)));
    }

    /** The request, made once: what is sent again is the same, byte for byte. */
    private HttpRequest request(byte[] text) {
        HttpRequest.Builder builder = HttpRequest.newBuilder(uri)
                .timeout(Duration.ofSeconds(20))
                .header("Content-Type", "application/json");
        if (token != null) {
            builder.header("Authorization", "Bearer " + token);
        }
        byte[] body = text;
        if (text.length > 1024) {
            builder.header("Content-Encoding", "gzip");
            body = gzip(text);
        }
        return builder.POST(HttpRequest.BodyPublishers.ofByteArray(body)).build();
    }

    private static byte[] gzip(byte[] text) {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(packed)) {
            gzip.write(text);
        } catch (IOException error) {
            throw new IllegalStateException(error); // memory doesn't fail to write
        }
        return packed.toByteArray();
    }

    public static void main(String[] arguments) throws InterruptedException {
        String flush = flushOf(arguments[1], Arrays.asList(arguments).subList(2, arguments.length));
        Send send = new Send(arguments[0], System.getenv("IMPRESSIONS_TOKEN"));
        try {
            send.send(List.of(flush), Instant.now().plusSeconds(120)).forEach(System.out::println);
        } catch (NotStoredException error) {
            System.err.println(error.getMessage() + "\nkeep this and send it again: " + flush);
            System.exit(1);
        }
    }
}
