package peermanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static peermanager.Tests.address;
import static peermanager.Tests.assertFails;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.Spliterator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class SnapshotTest {
    private static final int COUNT = 1_000;

    private static Snapshot taken() {
        try (PeerManager peers = PeerManager.open(Tests.still())) {
            peers.ensureExistsMany(Tests.many(COUNT));
            return peers.getAllPeers();
        }
    }

    @Test
    void aSnapshotOutlivesItsPeerManager() {
        try (Snapshot snapshot = taken()) {
            assertEquals(COUNT, snapshot.size());
            assertEquals(Set.copyOf(Tests.many(COUNT)),
                    snapshot.stream().map(PeerRecord::address).collect(Collectors.toSet()));
        }
    }

    @Test
    void theStreamIsSizedAndInTheOrderOfTheIndexes() {
        try (Snapshot snapshot = taken()) {
            List<PeerRecord> byIndex = new ArrayList<>();
            for (long i = 0; i < snapshot.size(); i++) {
                byIndex.add(snapshot.get(i));
            }
            assertEquals(byIndex, snapshot.stream().toList());
            assertEquals(byIndex, snapshot.stream().parallel().toList());
            List<PeerRecord> iterated = new ArrayList<>();
            snapshot.forEach(iterated::add);
            assertEquals(byIndex, iterated);
            iterated.clear();
            snapshot.iterator().forEachRemaining(iterated::add);
            assertEquals(byIndex, iterated);
            assertEquals(COUNT, snapshot.spliterator().getExactSizeIfKnown());
            assertEquals(5, snapshot.stream().skip(COUNT - 5).count());
        }
    }

    @Test
    void partsOfASpliteratorAreAllOfIt() {
        try (Snapshot snapshot = taken()) {
            Spliterator<PeerRecord> second = snapshot.spliterator();
            Spliterator<PeerRecord> first = second.trySplit();
            assertEquals(COUNT, first.getExactSizeIfKnown() + second.getExactSizeIfKnown());
            List<PeerRecord> read = new ArrayList<>();
            assertTrue(first.tryAdvance(read::add));
            assertEquals(COUNT / 2 - 1, first.estimateSize());
            first.forEachRemaining(read::add);
            second.forEachRemaining(read::add);
            assertEquals(snapshot.stream().toList(), read);
            assertTrue(!second.tryAdvance(read::add) && second.trySplit() == null);
        }
    }

    @Test
    void manyThreadsReadOneSnapshot() {
        try (Snapshot snapshot = taken()) {
            Set<PeerAddress> read = new HashSet<>(
                    snapshot.stream().parallel().map(PeerRecord::address).collect(Collectors.toList()));
            assertEquals(COUNT, read.size());
        }
    }

    @Test
    void anEmptyTableHasAnEmptySnapshot() {
        try (PeerManager peers = PeerManager.inMemory(); Snapshot snapshot = peers.getAllPeers()) {
            assertEquals(0, snapshot.size());
            assertEquals(List.of(), snapshot.stream().toList());
            assertTrue(!snapshot.iterator().hasNext());
        }
    }

    @Test
    void whatIsClosedIsRefusedAndClosingTwiceIsFine() {
        Snapshot snapshot = taken();
        snapshot.close();
        snapshot.close();
        String message = "cannot use the snapshot: it is closed; open another";
        assertFails(ClosedException.class, message, () -> snapshot.get(0));
        assertFails(ClosedException.class, message, () -> snapshot.history(0));
        assertFails(ClosedException.class, message, () -> snapshot.data(0));
        assertFails(ClosedException.class, message, () -> snapshot.stream().toList());
        assertEquals(COUNT, snapshot.size());
        assertEquals("Snapshot[1000 peers]", snapshot.toString());
    }

    @Test
    void aStreamEndsWithAnErrorIfItIsClosedMeanwhile() {
        Snapshot snapshot = taken();
        assertThrows(ClosedException.class, () -> snapshot.stream().forEach(record -> snapshot.close()));
    }

    @Test
    void indexesPastTheEndAreRefused() {
        try (Snapshot snapshot = taken()) {
            for (long index : new long[] {-1, COUNT, Long.MAX_VALUE, Long.MIN_VALUE}) {
                assertThrows(IndexOutOfBoundsException.class, () -> snapshot.get(index));
                assertThrows(IndexOutOfBoundsException.class, () -> snapshot.history(index));
                assertThrows(IndexOutOfBoundsException.class, () -> snapshot.data(index));
            }
        }
    }

    @Test
    void itIsASnapshot() {
        try (PeerManager peers = PeerManager.open(Tests.still())) {
            peers.ensureExists(address("1.2.3.4:5"));
            try (Snapshot snapshot = peers.getAllPeers()) {
                peers.clearAll();
                assertEquals(address("1.2.3.4:5"), snapshot.get(0).address());
            }
        }
    }
}
