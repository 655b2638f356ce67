package peer;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.LongAdder;

/** The number of decided impressions, served over HTTP. */
final class Progress {
    private final LongAdder impressions = new LongAdder();

    /** Counts decided impressions, accepted or not. */
    void add(int decided) {
        impressions.add(decided);
    }

    /** Starts to answer GET /metrics on the loopback address. */
    void serve(int port) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        server.createContext("/metrics", exchange -> {
            byte[] answer = ("peer_impressions_total " + impressions.sum() + "\n").getBytes(StandardCharsets.US_ASCII);
            exchange.getResponseHeaders().set("Content-Type", "text/plain");
            exchange.sendResponseHeaders(200, answer.length);
            try (var body = exchange.getResponseBody()) {
                body.write(answer);
            }
        });
        server.start();
    }
}
