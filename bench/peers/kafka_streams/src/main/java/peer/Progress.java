package peer;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.LongAdder;

/** How many impressions are decided, for whoever asks over HTTP. */
final class Progress {
    private final LongAdder impressions = new LongAdder();

    /** Counts impressions that are decided, accepted or not. */
    void add(int decided) {
        impressions.add(decided);
    }

    /** Answers GET /metrics on the loopback address from now on. */
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
