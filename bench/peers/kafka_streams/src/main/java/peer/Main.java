package peer;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;

/** The peer as a process: it runs until SIGTERM; an error that it can't recover from ends it with exit code 1. */
public final class Main {
    private static final Duration CLOSE = Duration.ofSeconds(30);

    private Main() {}

    /** Runs the peer. Its settings are in the environment: see {@link Peer}. */
    public static void main(String[] arguments) throws IOException, InterruptedException {
        Peer peer = Peer.of(System.getenv());
        Progress progress = new Progress();
        progress.serve(peer.metricsPort());
        Topology topology =
                peer.documented() ? DocumentedJob.topology(peer, progress) : Job.topology(peer, progress);
        KafkaStreams streams = new KafkaStreams(topology, peer.properties());
        CountDownLatch failed = new CountDownLatch(1);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            failed.countDown();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(CLOSE), "close"));
        streams.start();
        failed.await();
        Runtime.getRuntime().exit(1);
    }
}
