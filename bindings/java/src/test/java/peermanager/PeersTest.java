package peermanager;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static peermanager.Tests.NOW;
import static peermanager.Tests.address;
import static peermanager.Tests.addresses;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What each call does to the table. */
class PeersTest {
    private static final PeerAddress A = address("1.2.3.4:5");
    private static final PeerAddress B = address("example.org:6");

    private final PeerManager peers = PeerManager.open(Tests.still().withKeepHistory(true));

    @AfterEach
    void close() {
        peers.close();
    }

    @Test
    void aNewPeerIsInboundWithoutFailuresAndDueNow() {
        assertEquals(Optional.empty(), peers.load(A));
        peers.ensureExists(A);
        assertEquals(Optional.of(PeerRecord.of(A, NOW)), peers.load(A));
        assertTrue(PeerRecord.of(A, NOW).isReady(NOW) && !PeerRecord.of(A, NOW).isReady(NOW.minusSeconds(1)));
        assertEquals(1, peers.ensureExistsMany(List.of(A, B, B)));
        assertEquals(2, peers.peerCount());
        assertEquals(0, peers.ensureExistsMany(List.of()));
    }

    @Test
    void aRecordIsStoredAsItIs() {
        PeerRecord record = new PeerRecord(A, NOW.plusMillis(1999), 0xFFFF_FFFFL, PeerType.PREFERRED);
        assertEquals(NOW.plusSeconds(1), record.nextAttempt());
        peers.store(record);
        assertEquals(Optional.of(record), peers.load(A));
        PeerRecord other = record.withNextAttempt(Instant.EPOCH).withNumFailures(3).withPeerType(PeerType.OUTBOUND);
        peers.storeMany(List.of(record, other, PeerRecord.of(B, NOW)));
        assertEquals(Optional.of(new PeerRecord(A, Instant.EPOCH, 3, PeerType.OUTBOUND)), peers.load(A));
        assertEquals(2, peers.peerCount());
    }

    @Test
    void theEndsOfTimeComeBack() {
        for (Instant end : List.of(Instant.MAX, Instant.MIN, Instant.EPOCH.minusSeconds(1))) {
            peers.store(PeerRecord.of(A, end));
            assertEquals(end, peers.load(A).orElseThrow().nextAttempt());
        }
    }

    @Test
    void typesAndBackOffAreUpdated() {
        peers.updateType(A, PeerType.PREFERRED, false);
        peers.update(A, PeerType.OUTBOUND, Backoff.HARD_RESET);
        assertEquals(Optional.of(new PeerRecord(A, NOW, 0, PeerType.PREFERRED)), peers.load(A));
        peers.update(A, PeerType.OUTBOUND, true, Backoff.RESET);
        assertEquals(PeerType.OUTBOUND, peers.load(A).orElseThrow().peerType());
        peers.updateBackoff(A, Backoff.INCREASE);
        assertEquals(1, peers.load(A).orElseThrow().numFailures());
        assertEquals(peers.load(A).map(PeerRecord::nextAttempt), peers.nextDue());
        peers.setOnline(false);
        peers.updateBackoff(A, Backoff.INCREASE);
        peers.setOnline(true);
        assertEquals(1, peers.load(A).orElseThrow().numFailures());
        assertEquals(1, peers.getStats().forgivenFailures());
        assertEquals(1, peers.limitNextAttempt(NOW));
        assertEquals(Optional.empty(), peers.nextDue());
    }

    @Test
    void peersAreRemoved() {
        peers.ensureExistsMany(addresses("1.1.1.1:1", "1.1.1.1:2", "2.2.2.2:1", "3.3.3.3:1"));
        peers.updateBackoff(address("2.2.2.2:1"), Backoff.INCREASE);
        peers.remove(address("3.3.3.3:1"));
        NotFoundException error = assertThrows(NotFoundException.class, () -> peers.remove(address("3.3.3.3:1")));
        assertEquals("no peer 3.3.3.3:1 in the table", error.getMessage());
        assertEquals(Status.NOT_FOUND, error.status());
        assertEquals(2, peers.removeHost("1.1.1.1"));
        assertEquals(1, peers.removePeersWithManyFailures(1));
        peers.ensureExists(A);
        assertEquals(1, peers.removePeersNotHeardSince(NOW.plusSeconds(1)));
        peers.ensureExists(A);
        peers.clearAll();
        assertEquals(0, peers.peerCount());
    }

    @Test
    void ownAddressesAreRefused() {
        peers.ensureExists(A);
        peers.setOwnAddresses(List.of(A));
        assertEquals(0, peers.peerCount());
        assertThrows(RefusedException.class, () -> peers.ensureExists(A));
        peers.setOwnAddresses(List.of());
        peers.ensureExists(A);
    }

    @Test
    void historiesAreKept() {
        peers.update(A, PeerType.OUTBOUND, Backoff.RESET);
        Optional<Instant> now = Optional.of(NOW);
        History history = new History(now, now, now, now, Optional.empty());
        assertEquals(Optional.of(history), peers.loadHistory(A));
        assertEquals(Optional.empty(), peers.loadHistory(B));
        try (Snapshot snapshot = peers.getAllPeers()) {
            assertEquals(history, snapshot.history(0));
        }
        try (PeerManager without = PeerManager.inMemory()) {
            without.ensureExists(A);
            assertThrows(UnsupportedException.class, () -> without.loadHistory(A));
            assertThrows(UnsupportedException.class, () -> without.removePeersNotHeardSince(NOW));
        }
    }

    @Test
    void dataIsBytes() {
        peers.ensureExistsMany(List.of(A, B));
        byte[] data = new byte[PeerManager.DATA_CAPACITY];
        for (int i = 0; i < data.length; i++) {
            data[i] = (byte) i;
        }
        peers.setData(A, data);
        assertArrayEquals(data, peers.getData(A).orElseThrow());
        assertArrayEquals(new byte[0], peers.getData(B).orElseThrow());
        assertEquals(Optional.empty(), peers.getData(address("9.9.9.9:9")));
        try (Snapshot snapshot = peers.getAllPeers()) {
            int index = snapshot.get(0).address().equals(A) ? 0 : 1;
            assertArrayEquals(data, snapshot.data(index));
            assertArrayEquals(new byte[0], snapshot.data(1 - index));
        }
        peers.setData(A, new byte[0]);
        assertArrayEquals(new byte[0], peers.getData(A).orElseThrow());
        assertThrows(InvalidArgumentException.class, () -> peers.setData(A, new byte[256]));
        assertThrows(InvalidArgumentException.class, () -> peers.setData(A, new byte[5_000_000]));
        assertThrows(NotFoundException.class, () -> peers.setData(address("9.9.9.9:9"), data));
    }

    @Test
    void bansAreKeptAndListed() {
        peers.ensureExistsMany(List.of(A, B));
        assertEquals(1, peers.ban("1.2.0.0/16", NOW.plusSeconds(9)));
        assertEquals(1, peers.ban("EXAMPLE.ORG", Ban.FOR_GOOD));
        assertEquals(List.of(new Ban("1.2.0.0/16", NOW.plusSeconds(9)), new Ban("example.org", Ban.FOR_GOOD)), peers.bans());
        assertTrue(peers.isBanned(A) && !peers.isBanned(address("9.9.9.9:9")));
        assertThrows(RefusedException.class, () -> peers.store(PeerRecord.of(B, NOW)));
        peers.unban("example.org");
        peers.store(PeerRecord.of(B, NOW));
        assertThrows(NotFoundException.class, () -> peers.unban("example.org"));
        assertThrows(InvalidAddressException.class, () -> peers.ban("1.2.3.4/33", Ban.FOR_GOOD));
        assertThrows(InvalidArgumentException.class, () -> peers.ban("1.2.3.4", NOW));
        for (PeerAddress address : Tests.many(200)) {
            peers.ban(address.host(), Ban.FOR_GOOD);
        }
        assertEquals(201, peers.bans().size());
    }

    @Test
    void manyAddressesGoInAndOutAtOnce() {
        List<PeerAddress> many = Tests.many(10_000);
        assertEquals(10_000, peers.ensureExistsMany(many));
        List<PeerAddress> drawn = peers.loadRandomPeers(Integer.MAX_VALUE, Query.all());
        assertEquals(new HashSet<>(many), new HashSet<>(drawn));
        assertEquals(10_000, drawn.size());
        // What was left out once is not left out later: nothing stays in memory that is used again.
        assertEquals(9_000, peers.loadRandomPeers(10_000, Query.all().withExclude(many.subList(0, 1_000))).size());
        assertEquals(10_000, peers.loadRandomPeers(10_000, Query.all()).size());
    }

    @Test
    void theTableIsThereAfterARestart(@TempDir Path directory) {
        Path file = directory.resolve("pëers.db");
        for (Durability durability : Durability.values()) {
            try (PeerManager first = PeerManager.open(Options.file(file).withDurability(durability).withClock(() -> NOW))) {
                first.ensureExists(address("1.2.3.4:" + (durability.value() + 1)));
                first.flush();
                assertEquals(durability, first.getStats().durability());
            }
        }
        try (PeerManager second = PeerManager.open(file)) {
            assertEquals(3, second.peerCount());
            assertEquals(Optional.empty(), second.getQuarantine());
        }
        assertEquals(3, peers.importFile(file));
        assertEquals(0, peers.importFile(file));
    }

    @Test
    void netgroupsAreCompared() {
        assertEquals(peers.netgroup(address("1.2.3.4:5")), peers.netgroup(address("1.2.9.9:9")));
        assertTrue(peers.netgroup(address("1.2.3.4:5")) != peers.netgroup(address("1.3.3.4:5")));
    }

    @Test
    void theOptionsReachTheLibrary(@TempDir Path directory) {
        Options options = Tests.still().withMaxPeers(3).withMaxPeersPerNetgroup(2).withReach(Reach.PUBLIC)
                .withBackoffUnit(Duration.ofSeconds(1)).withMaxBackoffExponent(1).withShareCache(Duration.ofMinutes(1))
                .withShareMaxPercent(50).withNameGroups(true).withBusyTimeout(Duration.ofMillis(1))
                .withFlushInterval(Duration.ofMillis(1)).withOnCorrupt(OnCorrupt.QUARANTINE);
        try (PeerManager few = PeerManager.open(options)) {
            few.ensureExistsMany(addresses("8.8.1.1:1", "8.8.1.2:1"));
            assertThrows(LimitException.class, () -> few.ensureExists(address("8.8.1.3:1")));
            assertThrows(RefusedException.class, () -> few.ensureExists(address("192.168.1.1:1")));
            assertEquals(few.netgroup(address("a.example:1")), few.netgroup(address("b.test:1")));
            for (int i = 0; i < 9; i++) {
                few.updateBackoff(address("8.8.1.1:1"), Backoff.INCREASE);
                Instant next = few.load(address("8.8.1.1:1")).orElseThrow().nextAttempt();
                assertTrue(next.isAfter(NOW) && !next.isAfter(NOW.plusSeconds(2)), next::toString);
            }
            assertEquals(1, few.getPeersToSend(8, address("9.9.9.9:9")).size());
        }
        InvalidArgumentException noMap = assertThrows(InvalidArgumentException.class,
                () -> PeerManager.open(Tests.still().withAsmap(directory.resolve("none.dat"))));
        assertTrue(noMap.getMessage().startsWith("asmap_path "), noMap::getMessage);
    }

    @Test
    void theSameSeedMakesTheSameChoices() {
        List<PeerAddress> many = Tests.many(100);
        try (PeerManager one = PeerManager.open(Tests.still().withRngSeed(-1));
                PeerManager two = PeerManager.open(Tests.still().withRngSeed(-1));
                PeerManager other = PeerManager.open(Tests.still().withRngSeed(2))) {
            one.ensureExistsMany(many);
            two.ensureExistsMany(many);
            other.ensureExistsMany(many);
            List<PeerAddress> drawn = one.loadRandomPeers(50, Query.all());
            assertEquals(drawn, two.loadRandomPeers(50, Query.all()));
            assertTrue(!drawn.equals(other.loadRandomPeers(50, Query.all())));
        }
    }
}
