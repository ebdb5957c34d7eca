package peermanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static peermanager.Tests.NOW;
import static peermanager.Tests.address;
import static peermanager.Tests.addresses;

import java.time.Instant;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Queries, and whom to dial. */
class ChoosingTest {
    private static final PeerAddress IN = address("20.1.1.1:1");
    private static final PeerAddress OUT = address("20.1.2.2:2");
    private static final PeerAddress PREFERRED = address("core.example.org:3");
    private static final PeerAddress WAITING = address("20.4.4.4:4");
    private static final PeerAddress DEAD = address("20.5.5.5:5");
    private static final PeerAddress V6 = address("[2a00:1::1]:6");

    private final PeerManager peers = PeerManager.open(Tests.still().withKeepHistory(true));

    @BeforeEach
    void fill() {
        peers.storeMany(List.of(
                new PeerRecord(IN, NOW, 0, PeerType.INBOUND),
                new PeerRecord(OUT, NOW, 0, PeerType.OUTBOUND),
                new PeerRecord(PREFERRED, NOW, 0, PeerType.PREFERRED),
                new PeerRecord(WAITING, NOW.plusSeconds(60), 3, PeerType.OUTBOUND),
                new PeerRecord(DEAD, NOW, 121, PeerType.OUTBOUND),
                new PeerRecord(V6, NOW, 0, PeerType.INBOUND)));
    }

    @AfterEach
    void close() {
        peers.close();
    }

    private Set<PeerAddress> drawn(Query query) {
        return new HashSet<>(peers.loadRandomPeers(100, query));
    }

    @Test
    void theDefaultIsDueOutboundAndNotDead() {
        assertEquals(Set.of(OUT, PREFERRED), drawn(Query.due()));
        assertEquals(Set.of(OUT, PREFERRED), new HashSet<>(peers.loadRandomPeers(100)));
        assertEquals(Set.of(IN, OUT, PREFERRED, WAITING, DEAD, V6), drawn(Query.all()));
    }

    @Test
    void eachPartOfAQueryCounts() {
        assertEquals(Set.of(IN, V6), drawn(Query.due().withTypeFilter(TypeFilter.INBOUND_ONLY)));
        assertEquals(Set.of(OUT), drawn(Query.due().withTypeFilter(TypeFilter.OUTBOUND_ONLY)));
        assertEquals(Set.of(PREFERRED), drawn(Query.due().withTypeFilter(TypeFilter.PREFERRED_ONLY)));
        assertEquals(Set.of(IN, V6, OUT), drawn(Query.due().withTypeFilter(TypeFilter.NOT_PREFERRED)));
        assertEquals(Set.of(OUT, PREFERRED, WAITING), drawn(Query.due().withUseNextAttempt(false)));
        assertEquals(Set.of(OUT, PREFERRED, DEAD), drawn(Query.due().withoutMaxNumFailures()));
        assertEquals(Set.of(OUT, PREFERRED, DEAD), drawn(Query.due().withMaxNumFailures(0xFFFF_FFFFL)));
        assertEquals(Set.of(OUT), drawn(Query.due().withExclude(List.of(PREFERRED))));
        assertEquals(Set.of(PREFERRED), drawn(Query.due().withExclude(List.of(IN)).withApart(true)));
        assertEquals(Set.of(V6, PREFERRED), drawn(Query.all().withNetworks(EnumSet.of(Network.IPV6, Network.NAME))));
        assertEquals(3, drawn(Query.due().withTypeFilter(TypeFilter.ANY).withMaxPerNetgroup(1).withSeniority(2)).size());
        assertEquals(Set.of(), drawn(Query.all().withHeardSince(NOW.plusSeconds(1))));
        peers.update(OUT, PeerType.OUTBOUND, Backoff.HARD_RESET);
        assertEquals(Set.of(OUT), drawn(Query.all().withReachedSince(NOW)));
    }

    @Test
    void whatTheLibraryRefusesIsAnError() {
        assertThrows(InvalidArgumentException.class, () -> drawn(Query.due().withSeniority(65)));
        assertThrows(InvalidArgumentException.class, () -> drawn(Query.due().withShareKey(16)));
        try (PeerManager without = PeerManager.inMemory()) {
            assertThrows(InvalidArgumentException.class, () -> without.loadRandomPeers(1, Query.due().withHeardSince(NOW)));
        }
    }

    @Test
    void queriesAreValues() {
        Query query = Query.due().withMaxPerNetgroup(2).withExclude(List.of(IN));
        assertEquals(query, Query.due().withExclude(addresses("20.1.1.1:1")).withMaxPerNetgroup(2));
        assertEquals(query.hashCode(), Query.due().withExclude(List.of(IN)).withMaxPerNetgroup(2).hashCode());
        assertTrue(!query.equals(Query.due()) && query.toString().contains("maxPerNetgroup=2"), query::toString);
        assertTrue(Query.due().withHeardSince(Instant.EPOCH).toString().contains("networks=all"));
    }

    @Test
    void whomToDialLeavesOutTheBusy() {
        assertEquals(List.of(PREFERRED, OUT), peers.nextToDial(Purpose.CONNECT, 2, List.of()));
        assertTrue(!peers.nextToDial(Purpose.CONNECT, 8, List.of(PREFERRED)).contains(PREFERRED));
        assertTrue(Set.of(IN, V6).containsAll(peers.nextToDial(Purpose.FEELER, 1, List.of())));
        assertEquals(List.of(), peers.nextToDial(Purpose.CONNECT, 0, List.of()));
        assertEquals(Optional.of(NOW.plusSeconds(60)), peers.nextDue());
    }

    @Test
    void theAskerIsNotToldOfItself() {
        assertEquals(Set.of(IN, OUT, WAITING, DEAD, V6), new HashSet<>(peers.getPeersToSend(100, PREFERRED)));
        assertEquals(6, peers.getPeersToSend(100, Optional.empty(), Optional.empty()).size());
        assertEquals(List.of(OUT), peers.getPeersToSend(100, PREFERRED, Query.due()));
        assertEquals(PREFERRED, peers.getPeersToSend(1, Optional.empty(), Optional.of(Query.due())).getFirst());
    }
}
