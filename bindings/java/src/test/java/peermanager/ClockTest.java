package peermanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static peermanager.Tests.NOW;
import static peermanager.Tests.address;

import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** A clock of the program's. */
class ClockTest {
    private static final PeerAddress A = address("1.2.3.4:5");

    private static Instant due(PeerManager peers, PeerAddress address) {
        return peers.load(address).orElseThrow().nextAttempt();
    }

    @Test
    void theTimeIsTheClocks() {
        try (PeerManager peers = PeerManager.open(Options.inMemory().withClock(Clock.fixed(NOW.plusNanos(9), ZoneOffset.UTC)))) {
            peers.ensureExists(A);
            assertEquals(NOW, due(peers, A));
        }
    }

    @Test
    void withoutOneItIsTheSystems() {
        try (PeerManager peers = PeerManager.inMemory()) {
            Instant before = Instant.ofEpochSecond(Instant.now().getEpochSecond());
            peers.ensureExists(A);
            assertTrue(!due(peers, A).isBefore(before) && !due(peers, A).isAfter(Instant.now()));
        }
    }

    @Test
    void whatTheClockThrowsTheCallThrowsAndNothingWasDone() {
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        InstantSource clock = () -> {
            if (thrown.get() instanceof RuntimeException exception) {
                throw exception;
            }
            if (thrown.get() instanceof Error error) {
                throw error;
            }
            return NOW;
        };
        try (PeerManager peers = PeerManager.open(Options.inMemory().withClock(clock))) {
            peers.ensureExists(A);
            for (Throwable problem : List.of(new IllegalStateException("no time"), new StackOverflowError(), new AssertionError())) {
                thrown.set(problem);
                for (Executable call : List.<Executable>of(
                        () -> peers.updateBackoff(A, Backoff.INCREASE), () -> peers.ensureExists(address("9.9.9.9:9")),
                        () -> peers.loadRandomPeers(1), peers::getStats, () -> peers.isBanned(A))) {
                    assertSame(problem, assertThrows(Throwable.class, call));
                }
                assertEquals(Optional.of(PeerRecord.of(A, NOW)), peers.load(A));
                assertEquals(1, peers.peerCount());
                assertSame(problem, assertThrows(Throwable.class,
                        () -> PeerManager.open(Options.inMemory().withClock(clock))));
            }
            thrown.set(null);
            peers.updateBackoff(A, Backoff.INCREASE);
        }
    }

    @Test
    void aClockThatGivesNullIsAnError() {
        AtomicReference<Instant> now = new AtomicReference<>(NOW);
        try (PeerManager peers = PeerManager.open(Options.inMemory().withClock(now::get))) {
            now.set(null);
            assertThrows(NullPointerException.class, () -> peers.ensureExists(A));
            assertEquals(0, peers.peerCount());
        }
    }

    @Test
    void theClockMayUseThePeerManagerAndCloseIt() {
        AtomicReference<PeerManager> inside = new AtomicReference<>();
        AtomicLong counted = new AtomicLong(-1);
        try (PeerManager peers = PeerManager.open(Options.inMemory().withClock(() -> {
            PeerManager open = inside.get();
            if (open != null) {
                counted.set(open.peerCount());
                if (counted.get() == 2) {
                    open.close();
                }
            }
            return NOW;
        }))) {
            peers.ensureExistsMany(Tests.many(1));
            inside.set(peers);
            peers.ensureExists(A);
            assertEquals(1, counted.get());
            assertThrows(ClosedException.class, () -> peers.ensureExists(A));
            assertTrue(peers.isClosed());
        }
    }

    @Test
    void theEndsOfTimeAreFine() {
        for (Instant end : List.of(Instant.MAX, Instant.MIN)) {
            try (PeerManager peers = PeerManager.open(Options.inMemory().withClock(() -> end))) {
                peers.ensureExists(A);
                peers.updateBackoff(A, Backoff.INCREASE);
                peers.nextDue();
                assertTrue(!due(peers, A).isBefore(end));
            }
        }
    }

    /** If a call forgot to read the clock, the library would be told another time. */
    @Test
    void everyCallThatAsksForTheTimeHasReadTheClock(@TempDir Path directory) {
        long before = Present.UNPREPARED.get();
        AtomicLong read = new AtomicLong();
        for (Durability durability : Durability.values()) {
            Path file = directory.resolve(durability + ".db");
            try (PeerManager peers = PeerManager.open(Options.file(file).withDurability(durability).withKeepHistory(true)
                    .withMaxPeers(100).withClock(() -> NOW.plusSeconds(read.incrementAndGet())))) {
                everyCall(peers, file);
            }
        }
        assertTrue(read.get() >= 60, read::toString);
        assertEquals(before, Present.UNPREPARED.get());
    }

    private static void everyCall(PeerManager peers, Path file) {
        peers.ensureExistsMany(Tests.many(20));
        peers.ensureExists(A);
        peers.store(PeerRecord.of(A, NOW));
        peers.storeMany(List.of(PeerRecord.of(A, NOW)));
        peers.updateType(A, PeerType.OUTBOUND, false);
        peers.updateBackoff(A, Backoff.INCREASE);
        peers.setOnline(false);
        peers.update(A, PeerType.OUTBOUND, Backoff.INCREASE);
        peers.load(A);
        peers.loadHistory(A);
        peers.setData(A, new byte[] {1});
        peers.getData(A);
        peers.ban("9.9.9.9", Ban.FOR_GOOD);
        peers.unban("9.9.9.9");
        peers.isBanned(A);
        peers.bans();
        peers.netgroup(A);
        peers.nextDue();
        peers.nextToDial(Purpose.CONNECT, 8, List.of());
        peers.loadRandomPeers(8);
        peers.getPeersToSend(8, A);
        peers.getPeersToSend(8, A, Query.due());
        peers.getStats();
        peers.getQuarantine();
        peers.getAllPeers().close();
        peers.peerCount();
        peers.limitNextAttempt(NOW);
        peers.importFile(file);
        peers.setOwnAddresses(List.of(A));
        peers.flush();
        peers.removeHost("20.0.0.1");
        peers.removePeersNotHeardSince(NOW);
        peers.removePeersWithManyFailures(9);
        peers.ensureExists(address("7.7.7.7:7"));
        peers.remove(address("7.7.7.7:7"));
        peers.clearAll();
    }
}
