package peermanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static peermanager.Tests.NOW;
import static peermanager.Tests.address;
import static peermanager.Tests.assertFails;

import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The end of a peer manager, whatever threads and the garbage collector do. */
class ClosingTest {
    private static final PeerAddress A = address("1.2.3.4:5");

    private static final List<Consumer<PeerManager>> CALLS = List.of(
            p -> p.ensureExists(A), p -> p.ensureExistsMany(List.of(A)), p -> p.load(A), p -> p.store(PeerRecord.of(A, NOW)),
            p -> p.storeMany(List.of()), p -> p.updateType(A, PeerType.OUTBOUND, false), p -> p.updateBackoff(A, Backoff.RESET),
            p -> p.update(A, PeerType.OUTBOUND, Backoff.RESET), p -> p.remove(A), p -> p.removeHost("1.2.3.4"),
            p -> p.removePeersWithManyFailures(1), p -> p.removePeersNotHeardSince(NOW), p -> p.limitNextAttempt(NOW),
            PeerManager::clearAll, p -> p.importFile(Path.of("x")), p -> p.setOnline(true), p -> p.setOwnAddresses(List.of()),
            p -> p.setData(A, new byte[1]), p -> p.getData(A), p -> p.ban("1.2.3.4", Ban.FOR_GOOD), p -> p.unban("1.2.3.4"),
            p -> p.isBanned(A), PeerManager::bans, p -> p.nextToDial(Purpose.CONNECT, 1, List.of()), PeerManager::nextDue,
            p -> p.loadRandomPeers(1), p -> p.getPeersToSend(1, A), p -> p.loadHistory(A), p -> p.netgroup(A),
            PeerManager::peerCount, PeerManager::flush, PeerManager::getAllPeers, PeerManager::getStats,
            PeerManager::getQuarantine);

    @Test
    void everyCallOnAClosedOneIsRefused() {
        PeerManager peers = PeerManager.open(Tests.still());
        assertFalse(peers.isClosed());
        assertEquals("PeerManager[open]", peers.toString());
        peers.close();
        peers.close();
        assertTrue(peers.isClosed());
        assertEquals("PeerManager[closed]", peers.toString());
        for (Consumer<PeerManager> call : CALLS) {
            assertFails(ClosedException.class, "cannot use the peer manager: it is closed; open another",
                    () -> call.accept(peers));
        }
    }

    @Test
    void closingWaitsForTheCallsOfOtherThreadsAndLaterOnesAreRefused() throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            for (int round = 0; round < 50; round++) {
                PeerManager peers = PeerManager.open(Tests.still());
                peers.ensureExistsMany(Tests.many(200));
                CountDownLatch started = new CountDownLatch(6);
                List<Future<?>> futures = new ArrayList<>();
                for (int i = 0; i < 6; i++) {
                    futures.add(threads.submit(() -> {
                        started.countDown();
                        try {
                            while (true) {
                                peers.loadRandomPeers(20, Query.all());
                                peers.ensureExists(A);
                                peers.getAllPeers().close();
                            }
                        } catch (ClosedException error) {
                            return;
                        }
                    }));
                }
                started.await();
                Future<?> closer = threads.submit(peers::close);
                peers.close();
                closer.get();
                for (Future<?> future : futures) {
                    future.get();
                }
            }
        }
    }

    @Test
    void theFileIsFreeWhenClosingReturnsInAnyThread(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("peers.db");
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (int round = 0; round < 10; round++) {
                PeerManager peers = PeerManager.open(file);
                List<Future<?>> futures = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    futures.add(threads.submit(() -> {
                        peers.close();
                        if (!peers.isClosed()) {
                            throw new AssertionError("not closed");
                        }
                    }));
                }
                peers.close();
                PeerManager.open(Options.file(file).withBusyTimeout(Duration.ofMillis(1))).close();
                for (Future<?> future : futures) {
                    future.get();
                }
            }
        }
    }

    @Test
    void anInterruptedThreadClosesAllTheSame() {
        PeerManager peers = PeerManager.inMemory();
        Thread.currentThread().interrupt();
        peers.close();
        assertTrue(Thread.interrupted());
        assertTrue(peers.isClosed());
    }

    @Test
    void whatWasForgottenIsClosedByTheGarbageCollector(@TempDir Path directory) throws InterruptedException {
        Path file = directory.resolve("peers.db");
        forget(file);
        Options options = Options.file(file).withBusyTimeout(Duration.ofMillis(1));
        assertTrue(Tests.afterCollection(() -> {
            try (PeerManager again = PeerManager.open(options)) {
                // With DEFERRED, what was pending was written.
                return again.peerCount() == 1;
            } catch (BusyException error) {
                return false;
            }
        }));
    }

    /** One whose clock leads back to it. */
    private static void forget(Path file) {
        PeerManager[] cycle = new PeerManager[1];
        InstantSource clock = () -> cycle[0] == null ? NOW : NOW.plusSeconds(cycle[0].peerCount());
        cycle[0] = PeerManager.open(Options.file(file).withDurability(Durability.DEFERRED).withClock(clock)
                .withFlushInterval(Duration.ofDays(1)));
        cycle[0].ensureExists(A);
        assertThrows(BusyException.class, () -> PeerManager.open(Options.file(file).withBusyTimeout(Duration.ofMillis(1))));
    }

    @Test
    void theGarbageCollectorClosesNothingThatIsInUse() {
        for (int i = 0; i < 200; i++) {
            // Nothing refers to the peer manager any more when its last call is under way.
            assertEquals(500, taken().stream().count());
            if (i % 20 == 0) {
                System.gc();
            }
        }
    }

    private static Snapshot taken() {
        PeerManager peers = PeerManager.open(Tests.still());
        peers.ensureExistsMany(Tests.many(500));
        return peers.getAllPeers();
    }

    @Test
    void closingReportsWhatDeferredCannotWrite(@TempDir Path directory) throws Exception {
        Path file = directory.resolve("peers.db");
        PeerManager peers = PeerManager.open(Options.file(file).withDurability(Durability.DEFERRED)
                .withFlushInterval(Duration.ofDays(1)).withBusyTimeout(Duration.ofMillis(1)));
        peers.ensureExists(A);
        java.nio.file.Files.move(file, directory.resolve("moved.db"));
        DatabaseException flushed = assertThrows(DatabaseException.class, peers::flush);
        assertEquals(1032, flushed.sqliteCode());
        assertThrows(DatabaseException.class, peers::close);
        assertTrue(peers.isClosed());
        peers.close();
    }
}
