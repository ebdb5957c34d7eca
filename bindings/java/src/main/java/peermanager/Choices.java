package peermanager;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** What chooses peers and looks at the table. None of it waits for the disk. */
abstract class Choices extends Changes {
    Choices(MemorySegment pointer, Optional<InstantSource> clock) {
        super(pointer, clock);
    }

    /**
     * Draws peers to dial now: the whole policy in one call. A node that dials what this returns, and reports how it went with
     * {@link #update(PeerAddress, PeerType, Backoff)}, needs no query of its own. The comment of peer_manager_next_to_dial in the C
     * header describes the policy, and the loop of a node. Cost: that of a few dozen draws. Never waits for the disk.
     *
     * @param purpose {@link Purpose#CONNECT} for connections that are to stay; {@link Purpose#FEELER} for one that is hung up
     * @param size how many are wanted: the free places
     * @param busy the peers that this node has dialled: connections, feelers, and dials under way; not those that have connected to it
     * @return at most so many; fewer or none if there are no more
     * @throws InvalidArgumentException for a negative size
     */
    public List<PeerAddress> nextToDial(Purpose purpose, int size, Iterable<PeerAddress> busy) {
        int why = purpose.value();
        List<PeerAddress> copy = Scratch.copy(busy, "busy");
        Scratch scratch = enterNow();
        try {
            int capacity = capacity(size);
            MemorySegment answer = scratch.answer(capacity, Layouts.ADDRESS_STRUCT);
            scratch.check(Native.nextToDial(
                    pointer(), why, scratch.addresses(copy), copy.size(), capacity, answer, scratch.out, scratch.error));
            return scratch.readAddresses(answer, (int) scratch.outLong());
        } finally {
            leave(scratch);
        }
    }

    /**
     * Returns when the next waiting peer becomes due, so that a node need not poll. Peers that are due already do not count. Cost: a
     * look at each second until then, at most nine hours; where none becomes due by then, linear in the table. Never waits for the
     * disk.
     *
     * @return the time; empty if no peer waits
     */
    public Optional<Instant> nextDue() {
        Scratch scratch = enterNow();
        try {
            boolean isFound = scratch.isFound(Native.nextDue(pointer(), scratch.out, scratch.error));
            return isFound ? Optional.of(Times.toInstant(scratch.outLong())) : Optional.empty();
        } finally {
            leave(scratch);
        }
    }

    /**
     * Draws peers of the default query: {@link Query#due}. In a new node it finds none, because every peer is inbound until a dial
     * succeeds; {@link #nextToDial} says whom to dial.
     *
     * @param size how many are wanted
     * @return at most so many, in random order
     * @throws InvalidArgumentException for a negative size
     */
    public List<PeerAddress> loadRandomPeers(int size) {
        return loadRandomPeers(size, Query.due());
    }

    /**
     * Draws peers: uniformly, without replacement, in random order. With {@link Query#withMaxPerNetgroup}, each draw picks a netgroup
     * first. Cost: depends on the size and the excluded peers, not on the table. Never waits for the disk.
     *
     * @param size how many are wanted
     * @param query which peers are eligible
     * @return at most so many; fewer or none if there are no more
     * @throws InvalidArgumentException for a negative size, and for a query that the library refuses
     */
    public List<PeerAddress> loadRandomPeers(int size, Query query) {
        Objects.requireNonNull(query, "query");
        Scratch scratch = enterNow();
        try {
            int capacity = capacity(size);
            MemorySegment answer = scratch.answer(capacity, Layouts.ADDRESS_STRUCT);
            scratch.check(Native.loadRandomPeers(
                    pointer(), query.write(scratch), capacity, answer, scratch.out, scratch.error));
            return scratch.readAddresses(answer, (int) scratch.outLong());
        } finally {
            leave(scratch);
        }
    }

    /**
     * Draws peers of all kinds to tell another peer about, as {@link #getPeersToSend(int, PeerAddress, Query)} does.
     *
     * @param size how many are wanted
     * @param asker the peer that asks, because it knows its own address
     * @return at most so many
     * @throws InvalidArgumentException for a negative size
     */
    public List<PeerAddress> getPeersToSend(int size, PeerAddress asker) {
        return getPeersToSend(size, Optional.of(asker), Optional.empty());
    }

    /**
     * Draws peers to tell another peer about: never private addresses (unless {@link Reach#PRIVATE}), never the asker; preferred before
     * outbound before inbound, at random within each. Cost: as {@link #loadRandomPeers(int, Query)}; with
     * {@link Options#withShareCache}, linear in the shared list, and such calls wait for each other. Never waits for the disk.
     *
     * @param size how many are wanted
     * @param asker the peer that asks
     * @param query which peers are eligible
     * @return at most so many; fewer or none if there are no more
     * @throws InvalidArgumentException for a negative size, and for a query that the library refuses
     */
    public List<PeerAddress> getPeersToSend(int size, PeerAddress asker, Query query) {
        return getPeersToSend(size, Optional.of(asker), Optional.of(query));
    }

    /**
     * As {@link #getPeersToSend(int, PeerAddress, Query)}, where the asker's address is not known, or every peer is eligible.
     *
     * @param size how many are wanted
     * @param asker the peer that asks, if its address is known
     * @param query which peers are eligible; empty for every type, whatever its failures and next attempt
     * @return at most so many; fewer or none if there are no more
     * @throws InvalidArgumentException for a negative size, and for a query that the library refuses
     */
    public List<PeerAddress> getPeersToSend(int size, Optional<PeerAddress> asker, Optional<Query> query) {
        Objects.requireNonNull(asker, "asker");
        Objects.requireNonNull(query, "query");
        Scratch scratch = enterNow();
        try {
            int capacity = capacity(size);
            MemorySegment answer = scratch.answer(capacity, Layouts.ADDRESS_STRUCT);
            MemorySegment excluded = MemorySegment.NULL;
            if (asker.isPresent()) {
                excluded = scratch.other;
                Layouts.writeAddress(asker.get(), excluded, 0);
            }
            MemorySegment filter = query.isPresent() ? query.get().write(scratch) : MemorySegment.NULL;
            scratch.check(Native.getPeersToSend(
                    pointer(), filter, excluded, capacity, answer, scratch.out, scratch.error));
            return scratch.readAddresses(answer, (int) scratch.outLong());
        } finally {
            leave(scratch);
        }
    }

    /** There are never more answers than peers, so a huge size needs no huge memory. */
    private int capacity(int size) {
        Checks.notNegative(size, "size");
        return size <= 256 ? size : (int) Math.min(size, Native.peerCount(pointer()));
    }

    /**
     * Returns what is known of an address. Cost: constant; never waits for the disk.
     *
     * @param address where a peer listens
     * @return the record; empty if it is not in the table
     */
    public Optional<PeerRecord> load(PeerAddress address) {
        Scratch scratch = enter(address);
        try {
            boolean isFound = scratch.isFound(Native.load(pointer(), scratch.address, scratch.record, scratch.error));
            return isFound ? Optional.of(Layouts.readRecord(scratch.record, 0)) : Optional.empty();
        } finally {
            leave(scratch);
        }
    }

    /**
     * Returns when a peer was heard of, reached and tried. Cost: constant; never waits for the disk.
     *
     * @param address where the peer listens
     * @return the history; empty if the peer is not in the table
     * @throws UnsupportedException without {@link Options#withKeepHistory}
     */
    public Optional<History> loadHistory(PeerAddress address) {
        Scratch scratch = enter(address);
        try {
            boolean isFound = scratch.isFound(
                    Native.loadHistory(pointer(), scratch.address, scratch.history, scratch.error));
            return isFound ? Optional.of(Layouts.readHistory(scratch.history)) : Optional.empty();
        } finally {
            leave(scratch);
        }
    }

    /**
     * Returns the data of a peer: {@link #setData}. Cost: constant; never waits for the disk.
     *
     * @param address where the peer listens
     * @return the bytes, none for a peer without data; empty if the peer is not in the table
     */
    public Optional<byte[]> getData(PeerAddress address) {
        Scratch scratch = enter(address);
        try {
            MemorySegment room = scratch.room();
            boolean isFound = scratch.isFound(Native.getData(
                    pointer(), scratch.address, room, Layouts.DATA_CAPACITY, scratch.out, scratch.error));
            return isFound
                    ? Optional.of(room.asSlice(0, scratch.outLong()).toArray(ValueLayout.JAVA_BYTE))
                    : Optional.empty();
        } finally {
            leave(scratch);
        }
    }

    /**
     * Returns which netgroup an address counts as, known or not. Cost: constant; never waits for the disk.
     *
     * @param address the address
     * @return an opaque number that two addresses have in common exactly if they are of one netgroup; to another peer manager it means
     *     nothing
     */
    public long netgroup(PeerAddress address) {
        Scratch scratch = enter(address);
        try {
            scratch.check(Native.addressNetgroup(pointer(), scratch.address, scratch.out, scratch.error));
            return scratch.outLong();
        } finally {
            leave(scratch);
        }
    }

    /**
     * Returns whether an address is banned now, whatever its port, so that a node can hang up on a connection from it. Cost: linear in
     * the length of the address; never waits for the disk.
     *
     * @param address the address
     * @return whether it is
     */
    public boolean isBanned(PeerAddress address) {
        Scratch scratch = enterNow(address);
        try {
            return Native.isBanned(pointer(), scratch.address);
        } finally {
            leave(scratch);
        }
    }

    /**
     * Lists the bans that have not ended: IPv4 first, then IPv6, then names, each in their order. Cost: that of sorting them; never
     * waits for the disk.
     *
     * @return the bans
     */
    public List<Ban> bans() {
        Scratch scratch = enterNow();
        try {
            for (long capacity = 64; ; capacity = scratch.outLong()) {
                MemorySegment answer = scratch.answer(capacity, Layouts.BAN_STRUCT);
                scratch.check(Native.getBans(pointer(), capacity, answer, scratch.out, scratch.error));
                // There may be more, also because another thread has banned more since they were counted.
                if (scratch.outLong() <= capacity) {
                    List<Ban> bans = new ArrayList<>();
                    for (long i = 0; i < scratch.outLong(); i++) {
                        bans.add(Layouts.readBan(answer, i * Layouts.BAN_SIZE));
                    }
                    return bans;
                }
            }
        } finally {
            leave(scratch);
        }
    }

    /**
     * Returns the number of peers. Cost: constant; never waits for the disk.
     *
     * @return the number
     */
    public long peerCount() {
        Scratch scratch = enter();
        try {
            return Native.peerCount(pointer());
        } finally {
            leave(scratch);
        }
    }
}
