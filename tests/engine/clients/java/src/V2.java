import com.clickhouse.client.api.Client;
import com.clickhouse.client.api.data_formats.ClickHouseBinaryFormatReader;
import com.clickhouse.client.api.query.GenericRecord;
import com.clickhouse.client.api.query.QueryResponse;
import com.clickhouse.client.api.query.QuerySettings;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.LongStream;

/** client-v2 against the server at argument 1, as the writer with the password of argument 2: the feature of argument 3. */
public final class V2 {
    public static void main(String[] given) throws Exception {
        switch (given[2]) {
            case "ping" -> {
                try (Client client = client(given, true, true, false)) {
                    Check.that(client.ping(), "ping");
                }
            }
            case "rows" -> rows(given, true, false, false, 0);
            case "compressed" -> {
                rows(given, false, false, false, 0);
                rows(given, true, true, false, 1);
                rows(given, true, true, true, 2);
            }
            default -> {
                try (Client client = client(given, true, false, false)) {
                    of(client, given);
                }
            }
        }
    }

    static Client client(String[] given, boolean response, boolean request, boolean http) {
        return new Client.Builder().addEndpoint(given[0]).setUsername("writer").setPassword(given[1])
            .setDefaultDatabase("default").compressServerResponse(response).compressClientRequest(request)
            .useHttpCompression(http).build();
    }

    static void of(Client client, String[] given) throws Exception {
        switch (given[2]) {
            case "parameters" -> parameters(client);
            case "streamed" -> Check.equal(Check.NUMBERS, count(client, "SELECT number FROM numbers(" + Check.NUMBERS + ")"));
            case "error" -> Check.fails("47", () -> client.queryAll("SELECT nope"));
            case "late error" -> Check.fails("", () -> count(client, Check.FAILS_LATE));
            case "cancelled" -> cancelled(client);
            case "session" -> session(given);
            default -> throw new IllegalArgumentException(given[2]);
        }
    }

    static void rows(String[] given, boolean response, boolean request, boolean http, int part) throws Exception {
        long from = (long) part * Check.LINES;
        try (Client client = client(given, response, request, http)) {
            client.register(Line.class, client.getTableSchema(given[3]));
            client.insert(given[3], LongStream.range(from, from + Check.LINES).mapToObj(Line::of).toList()).get().close();
            String select = "SELECT * FROM " + given[3] + " WHERE id >= " + from + " ORDER BY id LIMIT " + Check.LINES;
            try (QueryResponse response1 = client.query(select).get()) {
                ClickHouseBinaryFormatReader reader = client.newBinaryFormatReader(response1);
                long id = from;
                for (; reader.next() != null; id++) {
                    Check.equal(id, reader.getBigInteger("id").longValue());
                    Line.check(id, reader.getString("name"), reader.hasValue("score") ? reader.getDouble("score") : null,
                        reader.getZonedDateTime("seen"), reader.getZonedDateTime("at"), reader.getList("tags"),
                        reader.getString("tier"), reader.getBigDecimal("price"), reader.getBoolean("ok"),
                        reader.getUUID("uid"));
                }
                Check.equal(from + Check.LINES, id);
            }
        }
    }

    static void parameters(Client client) {
        // The client does not escape line ends, tabs and backslashes, which a server needs in a parameter.
        String text = "it's ü$x";
        Map<String, Object> sent = Map.of("text", text, "most", Check.MOST);
        List<GenericRecord> got = client.queryAll("SELECT {text:String} AS text, {most:UInt64} AS most", sent);
        Check.equal(text, got.get(0).getString("text"));
        Check.equal(Check.MOST, got.get(0).getBigInteger("most").toString());
    }

    static long count(Client client, String sql) throws Exception {
        long count = 0;
        try (QueryResponse response = client.query(sql).get()) {
            ClickHouseBinaryFormatReader reader = client.newBinaryFormatReader(response);
            while (reader.next() != null) {
                long number = reader.getBigInteger("number").longValue();
                // The client reads the text of a late error as rows, until that fails.
                Check.that(number == count || sql.equals(Check.FAILS_LATE), "number " + number);
                count++;
            }
        }
        return count;
    }

    static void cancelled(Client client) throws Exception {
        String id = UUID.randomUUID().toString();
        CompletableFuture<Void> running = CompletableFuture.runAsync(() -> {
            try {
                Check.fails("394", () -> client.query(Check.ENDLESS, new QuerySettings().setQueryId(id)).get().close());
            } catch (Exception error) {
                throw new AssertionError(error);
            }
        });
        while (client.queryAll("SELECT 1 AS x FROM system.processes WHERE query_id = '" + id + "'").isEmpty()) {
            Check.that(!running.isDone(), "the query has ended by itself");
        }
        client.query("KILL QUERY WHERE query_id = '" + id + "' SYNC").get().close();
        running.get();
    }

    static void session(String[] given) throws Exception {
        try (Client client = new Client.Builder().addEndpoint(given[0]).setUsername("writer").setPassword(given[1])
                .setDefaultDatabase("default").serverSetting("session_id", "v2-" + UUID.randomUUID()).build()) {
            client.query("CREATE TEMPORARY TABLE kept (a UInt8)").get().close();
            client.query("INSERT INTO kept VALUES (7)").get().close();
            Check.equal(7, client.queryAll("SELECT a FROM kept").get(0).getInteger("a"));
        }
    }
}
