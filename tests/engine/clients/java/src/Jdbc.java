import com.clickhouse.jdbc.Driver;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.ZonedDateTime;
import java.util.Arrays;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

/** The JDBC driver against the server at argument 1, as the writer with the password of argument 2: the feature of argument 3. */
public final class Jdbc {
    public static void main(String[] given) throws Exception {
        if (given[2].equals("compressed")) {
            rows(given, 0, "compress", "false", "decompress", "false");
            rows(given, 1, "compress", "true", "decompress", "true");
            rows(given, 2, "compress", "true", "decompress", "true", "client.use_http_compression", "true");
            return;
        }
        if (given[2].equals("rows")) {
            rows(given, 0);
            metadata(given);
            return;
        }
        try (Connection connection = connect(given); Statement statement = connection.createStatement()) {
            switch (given[2]) {
                case "ping" -> Check.that(connection.isValid(10), "ping");
                case "parameters" -> parameters(connection);
                case "streamed" -> Check.equal(Check.NUMBERS, count(statement, "SELECT number FROM numbers(" + Check.NUMBERS + ")"));
                case "error" -> Check.fails("47", () -> statement.executeQuery("SELECT nope"));
                case "late error" -> Check.fails("", () -> count(statement, Check.FAILS_LATE));
                case "cancelled" -> cancelled(given, statement);
                case "session" -> session(given);
                default -> throw new IllegalArgumentException(given[2]);
            }
        }
    }

    static Connection connect(String[] given, String... options) throws SQLException {
        Properties properties = new Properties();
        properties.put("user", "writer");
        properties.put("password", given[1]);
        for (int at = 0; at < options.length; at += 2) {
            properties.put(options[at], options[at + 1]);
        }
        // By the class: jdbc-v2 alone does not register its driver.
        return new Driver().connect("jdbc:clickhouse:" + given[0] + "default", properties);
    }

    static void rows(String[] given, int part, String... options) throws SQLException {
        long from = (long) part * Check.LINES;
        try (Connection connection = connect(given, options)) {
            insert(connection, given[3], from);
            String select = "SELECT * FROM " + given[3] + " WHERE id >= " + from + " ORDER BY id LIMIT " + Check.LINES;
            try (Statement statement = connection.createStatement(); ResultSet got = statement.executeQuery(select)) {
                long id = from;
                for (; got.next(); id++) {
                    Check.equal(id, got.getLong("id"));
                    double read = got.getDouble("score");
                    Double score = got.wasNull() ? null : Double.valueOf(read);
                    Line.check(id, got.getString("name"), score,
                        got.getObject("seen", ZonedDateTime.class), got.getObject("at", ZonedDateTime.class),
                        Arrays.asList((Object[]) got.getArray("tags").getArray()), got.getString("tier"),
                        got.getBigDecimal("price"), got.getBoolean("ok"), got.getObject("uid"));
                }
                Check.equal(from + Check.LINES, id);
            }
        }
    }

    static void insert(Connection connection, String table, long from) throws SQLException {
        String sql = "INSERT INTO " + table + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (long id = from; id < from + Check.LINES; id++) {
                Line line = Line.of(id);
                statement.setLong(1, id);
                statement.setString(2, line.name());
                statement.setObject(3, line.score());
                statement.setObject(4, line.seen());
                statement.setObject(5, line.at());
                statement.setArray(6, connection.createArrayOf("String", line.tags().toArray()));
                statement.setString(7, line.tier());
                statement.setBigDecimal(8, line.price());
                statement.setBoolean(9, line.ok());
                statement.setObject(10, line.uid());
                statement.addBatch();
            }
            statement.executeBatch();
        }
    }

    static void parameters(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT ? AS text, toUInt64(?) AS most, ? AS price")) {
            statement.setString(1, Check.ODD);
            statement.setString(2, Check.MOST);
            statement.setBigDecimal(3, new BigDecimal("12.5"));
            try (ResultSet got = statement.executeQuery()) {
                Check.that(got.next(), "a row");
                Check.equal(Check.ODD, got.getString("text"));
                Check.equal(new BigInteger(Check.MOST), got.getObject("most", BigInteger.class));
            }
        }
    }

    static long count(Statement statement, String sql) throws SQLException {
        long count = 0;
        try (ResultSet got = statement.executeQuery(sql)) {
            while (got.next()) {
                long number = got.getLong("number");
                // The client reads the text of a late error as rows, until that fails.
                Check.that(number == count || sql.equals(Check.FAILS_LATE), "number " + number);
                count++;
            }
        }
        return count;
    }

    static void cancelled(String[] given, Statement statement) throws Exception {
        CompletableFuture<Void> running = CompletableFuture.runAsync(() -> {
            try {
                Check.fails("394", () -> statement.executeQuery(Check.ENDLESS));
            } catch (Exception error) {
                throw new AssertionError(error);
            }
        });
        String seen = "SELECT 0 AS number FROM system.processes WHERE query LIKE '%system.numbers%'"
            + " AND query NOT LIKE '%processes%' LIMIT 1";
        try (Connection other = connect(given); Statement asking = other.createStatement()) {
            while (count(asking, seen) == 0) {
                Check.that(!running.isDone(), "the query has ended by itself");
            }
        }
        statement.cancel();
        running.get();
    }

    static void session(String[] given) throws SQLException {
        String name = "jdbc-" + UUID.randomUUID();
        try (Connection connection = connect(given, "clickhouse_setting_session_id", name);
                Statement statement = connection.createStatement()) {
            statement.execute("CREATE TEMPORARY TABLE kept (number UInt8)");
            statement.execute("INSERT INTO kept VALUES (0)");
            Check.equal(1L, count(statement, "SELECT number FROM kept"));
        }
    }

    static void metadata(String[] given) throws SQLException {
        int columns = 0;
        try (Connection connection = connect(given);
                ResultSet got = connection.getMetaData().getColumns(null, "default", given[3], "%")) {
            while (got.next()) {
                columns++;
            }
        }
        Check.equal(10, columns);
    }
}
