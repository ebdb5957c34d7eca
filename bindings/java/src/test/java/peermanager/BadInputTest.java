package peermanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static peermanager.Tests.NOW;
import static peermanager.Tests.address;
import static peermanager.Tests.assertFails;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.ConcurrentModificationException;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Whatever a program passes: an exception, and nothing was done. */
class BadInputTest {
    private static final PeerAddress A = address("1.2.3.4:5");

    private final PeerManager peers = PeerManager.open(Tests.still());

    @AfterEach
    void nothingWasDone() {
        assertEquals(0, peers.peerCount());
        peers.close();
    }

    @Test
    void nullIsRefusedEverywhere() {
        Optional<PeerAddress> noAsker = null;
        Optional<Query> noQuery = null;
        List<Executable> calls = List.of(
                () -> PeerManager.open((Path) null), () -> PeerManager.open((Options) null),
                () -> Options.file(null), () -> Options.inMemory().withClock(null), () -> Options.inMemory().withDurability(null),
                () -> Options.inMemory().withReach(null), () -> Options.inMemory().withOnCorrupt(null),
                () -> Options.inMemory().withBusyTimeout(null), () -> Options.inMemory().withFlushInterval(null),
                () -> Options.inMemory().withShareCache(null), () -> Options.inMemory().withBackoffUnit(null),
                () -> Options.inMemory().withAsmap(null),
                () -> Query.due().withTypeFilter(null), () -> Query.due().withExclude(null), () -> Query.due().withNetworks(null),
                () -> Query.due().withHeardSince(null), () -> Query.due().withReachedSince(null),
                () -> PeerRecord.of(null, NOW), () -> PeerRecord.of(A, null), () -> new PeerRecord(A, NOW, 0, null),
                () -> new Ban(null, NOW), () -> new Ban("x", null), () -> new Quarantine(null, 0, 0),
                () -> peers.ensureExists(null), () -> peers.ensureExistsMany(null), () -> peers.load(null),
                () -> peers.ensureExistsMany(Arrays.asList(A, null)), () -> peers.store(null), () -> peers.storeMany(null),
                () -> peers.storeMany(Arrays.asList(PeerRecord.of(A, NOW), null)),
                () -> peers.updateType(null, PeerType.INBOUND, false), () -> peers.updateType(A, null, false),
                () -> peers.updateBackoff(null, Backoff.RESET), () -> peers.updateBackoff(A, null),
                () -> peers.update(null, PeerType.INBOUND, Backoff.RESET), () -> peers.update(A, null, Backoff.RESET),
                () -> peers.update(A, PeerType.INBOUND, null), () -> peers.remove(null), () -> peers.removeHost(null),
                () -> peers.removePeersNotHeardSince(null), () -> peers.limitNextAttempt(null), () -> peers.importFile(null),
                () -> peers.setOwnAddresses(null), () -> peers.setData(null, new byte[0]), () -> peers.setData(A, null),
                () -> peers.getData(null), () -> peers.ban(null, NOW), () -> peers.ban("x", null), () -> peers.unban(null),
                () -> peers.isBanned(null), () -> peers.nextToDial(null, 1, List.of()),
                () -> peers.nextToDial(Purpose.CONNECT, 1, null), () -> peers.loadRandomPeers(1, null),
                () -> peers.getPeersToSend(1, null), () -> peers.getPeersToSend(1, A, null),
                () -> peers.getPeersToSend(1, noAsker, Optional.empty()), () -> peers.getPeersToSend(1, Optional.empty(), noQuery),
                () -> peers.loadHistory(null), () -> peers.netgroup(null));
        for (Executable call : calls) {
            assertThrows(NullPointerException.class, call);
        }
        assertFails(NullPointerException.class, "addresses has a null at index 1",
                () -> peers.ensureExistsMany(Arrays.asList(A, null)));
    }

    @Test
    void aCallThatFailedLeavesNothingInUse() {
        // If one of these were still counted as under way, closing would wait for ever.
        for (int i = 0; i < 10; i++) {
            assertThrows(NullPointerException.class, () -> peers.load(null));
            assertThrows(InvalidArgumentException.class, () -> peers.loadRandomPeers(-1));
        }
    }

    @Test
    void negativeAndHugeNumbersAreRefused() {
        long tooLarge = 1L << 32;
        assertFails(InvalidArgumentException.class, "size is -1; give 0 or more", () -> peers.loadRandomPeers(-1));
        assertThrows(InvalidArgumentException.class, () -> peers.nextToDial(Purpose.CONNECT, Integer.MIN_VALUE, List.of()));
        assertThrows(InvalidArgumentException.class, () -> peers.getPeersToSend(-1, A));
        assertEquals(List.of(), peers.loadRandomPeers(Integer.MAX_VALUE));
        assertEquals(List.of(), peers.getPeersToSend(Integer.MAX_VALUE, A));
        assertFails(InvalidArgumentException.class, "minNumFailures is 4294967296; give 0 to 4294967295",
                () -> peers.removePeersWithManyFailures(tooLarge));
        assertThrows(InvalidArgumentException.class, () -> peers.removePeersWithManyFailures(-1));
        assertThrows(InvalidArgumentException.class, () -> new PeerRecord(A, NOW, -1, PeerType.INBOUND));
        assertThrows(InvalidArgumentException.class, () -> PeerRecord.of(A, NOW).withNumFailures(tooLarge));
        assertThrows(InvalidArgumentException.class, () -> Query.due().withMaxNumFailures(tooLarge));
        assertThrows(InvalidArgumentException.class, () -> Query.due().withMaxPerNetgroup(-1));
        assertThrows(InvalidArgumentException.class, () -> Query.due().withSeniority(-1));
        assertThrows(InvalidArgumentException.class, () -> Query.due().withShareKey(-1));
        assertThrows(InvalidArgumentException.class, () -> Options.inMemory().withMaxPeers(-1));
        assertThrows(InvalidArgumentException.class, () -> Options.inMemory().withMaxPeersPerNetgroup(tooLarge));
        assertThrows(InvalidArgumentException.class, () -> Options.inMemory().withShareMaxPercent(-1));
        assertThrows(InvalidArgumentException.class, () -> Options.inMemory().withMaxBackoffExponent(-1));
        for (Options refused : List.of(Options.inMemory().withMaxBackoffExponent(21),
                Options.inMemory().withShareCache(Duration.ofSeconds(1)).withShareMaxPercent(101),
                Options.inMemory().withShareMaxPercent(1), Options.inMemory().withBackoffUnit(Duration.ofSeconds(3601)))) {
            assertThrows(InvalidArgumentException.class, () -> PeerManager.open(refused));
        }
    }

    @Test
    void durationsThatDoNotFitAreRefusedAndPartsCountAsWhole() {
        assertFails(InvalidArgumentException.class, "timeout is PT0S; give PT0.001S or more",
                () -> Options.inMemory().withBusyTimeout(Duration.ZERO));
        assertThrows(InvalidArgumentException.class, () -> Options.inMemory().withBusyTimeout(Duration.ofSeconds(-1)));
        assertThrows(InvalidArgumentException.class, () -> Options.inMemory().withBusyTimeout(Duration.ofDays(50)));
        assertThrows(InvalidArgumentException.class, () -> Options.inMemory().withBusyTimeout(Duration.ofSeconds(Long.MAX_VALUE)));
        assertThrows(InvalidArgumentException.class, () -> Options.inMemory().withShareCache(Duration.ofDays(366 * 200)));
        assertThrows(InvalidArgumentException.class, () -> Options.inMemory().withBackoffUnit(Duration.ZERO));
        assertEquals(-1, Times.units(Duration.ofMillis(4_294_967_295L), Duration.ofMillis(1), "x"));
        for (Duration unit : List.of(Duration.ofMillis(1), Duration.ofSeconds(1))) {
            assertThrows(InvalidArgumentException.class,
                    () -> Times.units(unit.multipliedBy(4_294_967_295L).plusNanos(1), unit, "x"));
        }
        assertEquals(1, Times.units(Duration.ofNanos(1), Duration.ofMillis(1), "x"));
        assertEquals(2, Times.units(Duration.ofMillis(1001), Duration.ofSeconds(1), "x"));
        assertEquals(5000, Times.units(Duration.ofSeconds(5), Duration.ofMillis(1), "x"));
        assertEquals(-1, Times.units(Duration.ofSeconds(0xFFFF_FFFFL), Duration.ofSeconds(1), "x"));
        assertEquals(0, Times.units(Duration.ZERO, Duration.ofSeconds(1), "x"));
    }

    @Test
    void textWithANulIsRefused() {
        assertFails(InvalidArgumentException.class, "host has a NUL in it", () -> peers.removeHost("1.2.3.4\0"));
        assertFails(InvalidArgumentException.class, "subject has a NUL in it", () -> peers.ban("1.2.3.4\0/8", Ban.FOR_GOOD));
        assertFails(InvalidArgumentException.class, "subject has a NUL in it", () -> peers.unban("\0"));
    }

    @Test
    void textThatIsTooLongOrNoTextIsRefused() {
        for (String text : List.of("", "x".repeat(5_000_000), "\ud800", "höst", "1.2.3.4/", "/")) {
            assertThrows(InvalidAddressException.class, () -> peers.ban(text, Ban.FOR_GOOD));
            assertThrows(InvalidAddressException.class, () -> peers.unban(text));
            assertThrows(InvalidAddressException.class, () -> peers.removeHost(text));
        }
    }

    @Test
    void pathsOfOtherFileSystemsAreRefused(@TempDir Path directory) throws IOException {
        Path archive = directory.resolve("archive.zip");
        new ZipOutputStream(Files.newOutputStream(archive)).close();
        try (FileSystem zip = FileSystems.newFileSystem(archive)) {
            Path inside = zip.getPath("/peers.db");
            assertFails(InvalidArgumentException.class, "path is not a path of the default file system: /peers.db",
                    () -> Options.file(inside));
            assertThrows(InvalidArgumentException.class, () -> peers.importFile(inside));
            assertThrows(InvalidArgumentException.class, () -> Options.inMemory().withAsmap(inside));
        }
        assertThrows(InvalidArgumentException.class, () -> PeerManager.open(Path.of("")));
    }

    @Test
    void aCollectionThatThrowsOrChangesIsAnError() {
        Iterable<PeerAddress> failing = () -> new Iterator<>() {
            @Override
            public boolean hasNext() {
                return true;
            }

            @Override
            public PeerAddress next() {
                throw new IllegalStateException("no more");
            }
        };
        assertThrows(IllegalStateException.class, () -> peers.ensureExistsMany(failing));
        List<PeerAddress> changing = new ArrayList<>(Tests.many(3));
        assertThrows(ConcurrentModificationException.class, () -> peers.ensureExistsMany(() -> {
            Iterator<PeerAddress> iterator = changing.iterator();
            changing.add(A);
            return iterator;
        }));
    }

    @Test
    void aBatchIsAllOrNothing() {
        // Addresses cannot be invalid, so the failure is a null after a good one.
        assertThrows(NullPointerException.class, () -> peers.storeMany(Arrays.asList(PeerRecord.of(A, NOW), null)));
        assertTrue(peers.load(A).isEmpty());
    }
}
