package node;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import peermanager.Backoff;
import peermanager.PeerAddress;
import peermanager.PeerManager;
import peermanager.PeerType;
import peermanager.Purpose;

/** What a node does with its peers. This is the part to copy from. */
final class Node {
    static final int SLOTS = 8; // connections that the node wants
    private static final int ONLINE = 2; // with fewer, its own line is taken to be cut
    private static final int TALK = 7; // turns between two talks with a peer
    private static final int ROTATION = 60; // turns until a connection is hung up
    private static final int SHARED = 8; // addresses that a peer is sent at a time

    /** What happened in an hour, or in a day. */
    static final class Counts {
        int answered;
        int failed;
        int feelers;
        long heard;
        int shared;

        void add(Counts more) {
            answered += more.answered;
            failed += more.failed;
            feelers += more.feelers;
            heard += more.heard;
            shared += more.shared;
        }

        boolean hasNothingOfSomething() {
            return answered == 0 || failed == 0 || feelers == 0 || heard == 0 || shared == 0;
        }
    }

    private Counts counts = new Counts();

    /** Whom this node has dialled and is connected to, and when that will end. */
    private final Map<PeerAddress, Instant> connections = new HashMap<>();

    private final PeerManager peers;
    private final World world;
    private final Random random = new Random(42); // a real node has no seed
    private int turns;

    Node(PeerManager peers, World world) {
        this.peers = peers;
        this.world = world;
    }

    int connected() {
        return connections.size();
    }

    /** Returns what happened since the last call. */
    Counts endHour() {
        Counts hour = counts;
        counts = new Counts();
        return hour;
    }

    /** Two minutes of its life. */
    void turn() {
        connections.values().removeIf(end -> world.isDown() || !end.isAfter(world.instant()));
        turns++;
        List<PeerAddress> busy = new ArrayList<>(connections.keySet());
        if (turns % ROTATION == 0 && !busy.isEmpty()) {
            // So that a patient attacker does not keep its places. It stays busy for this turn, or it might get its place back.
            connections.remove(busy.get(random.nextInt(busy.size())));
        }
        for (PeerAddress peer : peers.nextToDial(Purpose.CONNECT, SLOTS - connections.size(), busy)) {
            if (dial(peer)) {
                connections.put(peer, world.connectionEnds(peer));
            }
        }
        for (PeerAddress peer : peers.nextToDial(Purpose.FEELER, 1, connections.keySet())) {
            counts.feelers++;
            dial(peer); // it is known now whether the peer is there, and the node hangs up
        }
        if (turns % TALK == 0 && !connections.isEmpty()) {
            talk(connections.keySet().iterator().next());
        }
    }

    private boolean dial(PeerAddress peer) {
        boolean isAnswered = world.answers(peer);
        peers.setOnline(connections.size() >= ONLINE);
        if (isAnswered) {
            counts.answered++;
            peers.update(peer, PeerType.OUTBOUND, Backoff.RESET);
        } else {
            counts.failed++;
            peers.updateBackoff(peer, Backoff.INCREASE);
        }
        return isAnswered;
    }

    /** A peer sends addresses, and is sent some. */
    private void talk(PeerAddress asker) {
        counts.heard += peers.ensureExistsMany(world.gossip(asker));
        for (PeerAddress peer : peers.getPeersToSend(SHARED, asker)) {
            if (peer.isPrivate() || peer.equals(asker)) {
                throw new IllegalStateException(peer + " would be sent to " + asker);
            }
            counts.shared++;
        }
    }
}
