package peermanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static peermanager.Tests.NOW;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Any number of threads, platform and virtual ones. */
class ThreadsTest {
    /** Each has its own peers, and finds what it has written: no memory is shared by two calls. */
    private static void everyThreadFindsItsOwn(PeerManager peers, ExecutorService threads, int count) throws Exception {
        List<Future<?>> futures = new ArrayList<>();
        for (int t = 0; t < count; t++) {
            int thread = t;
            futures.add(threads.submit(() -> {
                for (int i = 0; i < 20; i++) {
                    PeerAddress address = PeerAddress.of("20." + thread / 256 + "." + thread % 256 + "." + i, 1 + i);
                    PeerRecord record = new PeerRecord(address, Instant.ofEpochSecond(thread * 1000L + i), i, PeerType.OUTBOUND);
                    peers.store(record);
                    peers.setData(address, new byte[] {(byte) thread, (byte) i});
                    if (ThreadLocalRandom.current().nextInt(4) == 0) {
                        Thread.yield();
                    }
                    assertEquals(record, peers.load(address).orElseThrow());
                    assertEquals((byte) thread, peers.getData(address).orElseThrow()[0]);
                    assertEquals(address, PeerAddress.parse(address.toString()));
                }
            }));
        }
        for (Future<?> future : futures) {
            future.get();
        }
        assertEquals(20L * count, peers.peerCount());
    }

    @Test
    void platformThreads() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(8); PeerManager peers = PeerManager.open(Tests.still())) {
            everyThreadFindsItsOwn(peers, threads, 64);
        }
    }

    @Test
    void virtualThreads() throws Exception {
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                PeerManager peers = PeerManager.open(Tests.still())) {
            everyThreadFindsItsOwn(peers, threads, 500);
        }
    }

    @Test
    void virtualThreadsThatWriteToAFile(@TempDir Path directory) throws Exception {
        for (Durability durability : List.of(Durability.COMMIT, Durability.DEFERRED)) {
            Options options = Options.file(directory.resolve(durability + ".db")).withDurability(durability).withClock(() -> NOW);
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                    PeerManager peers = PeerManager.open(options)) {
                everyThreadFindsItsOwn(peers, threads, 20);
            }
        }
    }
}
