package peermanager;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** What changes the table. With {@link Durability#DEFERRED}, and in memory, none of it waits for the disk. */
abstract class Changes extends Core {
    Changes(MemorySegment pointer, Optional<InstantSource> clock) {
        super(pointer, clock);
    }

    /**
     * Makes sure that an address is known: a new one is inbound, without failures, and due now. A known one stays as it is.
     *
     * <p>Cost: one transaction for a new address, for which it <b>may wait for the disk</b>; constant in memory.
     *
     * @param address where a peer listens
     * @throws LimitException for a new peer that a bound refuses
     * @throws RefusedException for one that is banned, the node's own, or that {@link Options#withReach} refuses
     * @throws PeerManagerException when the database refuses the write
     */
    public void ensureExists(PeerAddress address) {
        Scratch scratch = enterNow(address);
        try {
            scratch.check(Native.ensureExists(pointer(), scratch.address, scratch.error));
        } finally {
            leave(scratch);
        }
    }

    /**
     * Makes sure that many addresses are known, in one transaction: all or none. New peers that a bound or a policy refuses are not
     * an error here; they are left out and counted in {@link Stats#refusedPeers}.
     *
     * <p>Cost: one transaction, for which it <b>may wait for the disk</b>; constant in memory for each address.
     *
     * @param addresses where the peers listen
     * @return how many were new
     * @throws PeerManagerException when the database refuses the write
     */
    public long ensureExistsMany(Iterable<PeerAddress> addresses) {
        List<PeerAddress> copy = Scratch.copy(addresses, "addresses");
        Scratch scratch = enterNow();
        try {
            scratch.check(Native.ensureExistsMany(
                    pointer(), scratch.addresses(copy), copy.size(), scratch.out, scratch.error));
            return scratch.outLong();
        } finally {
            leave(scratch);
        }
    }

    /**
     * Stores a record as it is, replacing the next attempt, failures and type of its address; data and history of a known peer stay.
     *
     * <p>Cost: one transaction, for which it <b>may wait for the disk</b>; constant in memory.
     *
     * @param record the record
     * @throws LimitException for a new peer that a bound refuses
     * @throws RefusedException for an address that is banned or the node's own
     * @throws PeerManagerException when the database refuses the write
     */
    public void store(PeerRecord record) {
        Objects.requireNonNull(record, "record");
        Scratch scratch = enterNow();
        try {
            Layouts.writeRecord(record, scratch.record, 0);
            scratch.check(Native.store(pointer(), scratch.record, scratch.error));
        } finally {
            leave(scratch);
        }
    }

    /**
     * Stores records in one transaction, all or none. Of two with the same address, the later one wins. New peers that a bound or a
     * policy refuses are left out and counted in {@link Stats#refusedPeers}.
     *
     * <p>Cost: one transaction, for which it <b>may wait for the disk</b>; constant in memory for each record.
     *
     * @param records the records
     * @throws PeerManagerException when the database refuses the write
     */
    public void storeMany(Iterable<PeerRecord> records) {
        List<PeerRecord> copy = Scratch.copy(records, "records");
        Scratch scratch = enterNow();
        try {
            scratch.check(Native.storeMany(pointer(), scratch.records(copy), copy.size(), scratch.error));
        } finally {
            leave(scratch);
        }
    }

    /**
     * Updates a peer's type by what it was observed to be; an unknown one is added as new first. Observed as preferred, it becomes
     * preferred. Observed as outbound, an inbound one becomes outbound. Observed as inbound, a preferred one becomes outbound, so do
     * not report a connection that a preferred peer has opened if the peer is to stay preferred.
     *
     * <p>Cost: one transaction, for which it <b>may wait for the disk</b>; constant in memory.
     *
     * @param address where the peer listens
     * @param observedType what it was observed to be
     * @param preferredTypeKnown false after a plain dial; true when the caller knows all preferred peers, and then a preferred peer
     *     that was seen as outbound becomes outbound
     * @throws LimitException for a new peer that a bound refuses
     * @throws RefusedException for an address that is banned or the node's own
     * @throws PeerManagerException when the database refuses the write
     */
    public void updateType(PeerAddress address, PeerType observedType, boolean preferredTypeKnown) {
        int type = observedType.value();
        Scratch scratch = enterNow(address);
        try {
            scratch.check(Native.updateType(
                    pointer(), scratch.address, type, truth(preferredTypeKnown), scratch.error));
        } finally {
            leave(scratch);
        }
    }

    /**
     * Updates a peer's back-off by how an attempt to reach it went; an unknown one is added as new first.
     *
     * <p>Cost: one transaction, for which it <b>may wait for the disk</b>; constant in memory.
     *
     * @param address where the peer listens
     * @param backoff how the attempt went
     * @throws LimitException for a new peer that a bound refuses
     * @throws RefusedException for an address that is banned or the node's own
     * @throws PeerManagerException when the database refuses the write
     */
    public void updateBackoff(PeerAddress address, Backoff backoff) {
        int change = backoff.value();
        Scratch scratch = enterNow(address);
        try {
            scratch.check(Native.updateBackoff(pointer(), scratch.address, change, scratch.error));
        } finally {
            leave(scratch);
        }
    }

    /**
     * Does what {@link #updateType} and {@link #updateBackoff} do, in one change: how a dial is reported.
     *
     * <p>Cost: one transaction, for which it <b>may wait for the disk</b>; constant in memory.
     *
     * @param address where the peer listens
     * @param observedType what it was observed to be: after a dial that it answered, {@link PeerType#OUTBOUND}
     * @param preferredTypeKnown false after a plain dial; true when the caller knows all preferred peers, and then a preferred peer
     *     that was seen as outbound becomes outbound
     * @param backoff how the attempt went
     * @throws LimitException for a new peer that a bound refuses
     * @throws RefusedException for an address that is banned or the node's own
     * @throws PeerManagerException when the database refuses the write
     */
    public void update(PeerAddress address, PeerType observedType, boolean preferredTypeKnown, Backoff backoff) {
        int type = observedType.value();
        int change = backoff.value();
        Scratch scratch = enterNow(address);
        try {
            scratch.check(Native.update(
                    pointer(), scratch.address, type, truth(preferredTypeKnown), change, scratch.error));
        } finally {
            leave(scratch);
        }
    }

    /**
     * Does what {@link #update(PeerAddress, PeerType, boolean, Backoff)} does after a plain dial: a preferred peer stays preferred.
     *
     * <p>Cost: one transaction, for which it <b>may wait for the disk</b>; constant in memory.
     *
     * @param address where the peer listens
     * @param observedType what it was observed to be
     * @param backoff how the attempt went
     * @throws PeerManagerException as {@link #update(PeerAddress, PeerType, boolean, Backoff)}
     */
    public void update(PeerAddress address, PeerType observedType, Backoff backoff) {
        update(address, observedType, false, backoff);
    }

    /**
     * Removes a peer.
     *
     * <p>Cost: one transaction, for which it <b>may wait for the disk</b>; constant in memory.
     *
     * @param address where the peer listens
     * @throws NotFoundException if it is not in the table
     * @throws PeerManagerException when the database refuses the write
     */
    public void remove(PeerAddress address) {
        Scratch scratch = enter(address);
        try {
            scratch.check(Native.remove(pointer(), scratch.address, scratch.error));
        } finally {
            leave(scratch);
        }
    }

    /**
     * Removes all peers of a host, whatever their ports.
     *
     * <p>Cost: linear in the table; one transaction for all that are removed, for which it <b>may wait for the disk</b>.
     *
     * @param host an IPv4 address, an IPv6 address without brackets, or a name, in any spelling
     * @return how many there were
     * @throws InvalidAddressException if it is no host
     * @throws PeerManagerException when the database refuses the write
     */
    public long removeHost(String host) {
        Objects.requireNonNull(host, "host");
        Scratch scratch = enter();
        try {
            scratch.check(Native.removeHost(pointer(), scratch.text(host, "host"), scratch.out, scratch.error));
            return scratch.outLong();
        } finally {
            leave(scratch);
        }
    }

    /**
     * Removes the peers that have failed at least so many times, preferred ones too. A node does this once a day, with
     * {@link PeerManager#REALLY_DEAD}.
     *
     * <p>Cost: one transaction, linear in the rows of the database, for which it <b>may wait for the disk</b>.
     *
     * @param minNumFailures failures; 0 removes all peers
     * @return how many there were
     * @throws InvalidArgumentException for a number out of range
     * @throws PeerManagerException when the database refuses the write
     */
    public long removePeersWithManyFailures(long minNumFailures) {
        int failures = Checks.unsignedInt(minNumFailures, "minNumFailures");
        Scratch scratch = enter();
        try {
            scratch.check(Native.removePeersWithManyFailures(pointer(), failures, scratch.out, scratch.error));
            return scratch.outLong();
        } finally {
            leave(scratch);
        }
    }

    /**
     * Removes the inbound peers that were never reached and were last heard of before a time. Those of which nothing is known stay.
     *
     * <p>Cost: one transaction for all that are removed, for which it <b>may wait for the disk</b>; linear in the inbound peers.
     *
     * @param since the time
     * @return how many there were
     * @throws UnsupportedException without {@link Options#withKeepHistory}
     * @throws PeerManagerException when the database refuses the write
     */
    public long removePeersNotHeardSince(Instant since) {
        long time = Times.toSeconds(since);
        Scratch scratch = enter();
        try {
            scratch.check(Native.removePeersNotHeardSince(pointer(), time, scratch.out, scratch.error));
            return scratch.outLong();
        } finally {
            leave(scratch);
        }
    }

    /**
     * Limits every peer's next attempt. This repairs a table after a clock that was wrong, or after the back-off was changed.
     *
     * <p>Cost: one transaction for all that change, for which it <b>may wait for the disk</b>; linear in the table.
     *
     * @param latest the latest time that any peer waits for
     * @return how many peers were changed
     * @throws PeerManagerException when the database refuses the write
     */
    public long limitNextAttempt(Instant latest) {
        long time = Times.toSeconds(latest);
        Scratch scratch = enter();
        try {
            scratch.check(Native.limitNextAttempt(pointer(), time, scratch.out, scratch.error));
            return scratch.outLong();
        } finally {
            leave(scratch);
        }
    }

    /**
     * Removes all peers.
     *
     * <p>Cost: one transaction, for which it <b>may wait for the disk</b>.
     *
     * @throws PeerManagerException when the database refuses the write
     */
    public void clearAll() {
        Scratch scratch = enter();
        try {
            scratch.check(Native.clearAll(pointer(), scratch.error));
        } finally {
            leave(scratch);
        }
    }

    /**
     * Copies the valid peers of another database file, of this library or of stellar-core, into this table, in one transaction: all
     * that are new or none. They come with their type, failures, next attempt and data, and with their history if this table keeps
     * histories. Known peers stay as they are. Those that a bound refuses, or that are banned or the node's own, are left out and
     * counted in {@link Stats#refusedPeers}. Bans of the file are not taken over.
     *
     * <p>The file is only read, and another program may have it open. But a file that this process has open through another copy of
     * SQLite (a JDBC driver's) must not be opened here: closing it would drop that one's locks.
     *
     * <p>Cost: linear in the file, for which it <b>may wait for the disk</b>, and one transaction.
     *
     * @param path the file
     * @return how many peers were new
     * @throws CorruptException when the file is damaged or not a database of peers
     * @throws DatabaseException when it is missing or cannot be read
     * @throws PeerManagerException when this table's own database refuses the write
     */
    public long importFile(Path path) {
        String file = Checks.path(path, "path");
        Scratch scratch = enterNow();
        try {
            scratch.check(Native.importFile(pointer(), scratch.text(file, "path"), scratch.out, scratch.error));
            return scratch.outLong();
        } finally {
            leave(scratch);
        }
    }

    /**
     * Says whether the node itself is online; it is at first. While it is offline, {@link Backoff#INCREASE} leaves the failures as
     * they are and has the peer wait for a minute at most, because the peer is not to blame. A good rule: offline while fewer than
     * two outbound connections stand, said after opening and before each outcome is reported. Cost: constant.
     *
     * @param online whether it is
     */
    public void setOnline(boolean online) {
        Scratch scratch = enter();
        try {
            scratch.check(Native.setOnline(pointer(), truth(online), scratch.error));
        } finally {
            leave(scratch);
        }
    }

    /**
     * Replaces the list of the node's own addresses, because gossip brings them back and the node would dial itself. They are removed
     * from the table, and from then on refused with {@link RefusedException}, in a batch left out and counted in
     * {@link Stats#refusedPeers}. The list lives in memory only: set it after each opening.
     *
     * <p>Cost: linear in the list; one transaction for those that are removed, for which it <b>may wait for the disk</b>.
     *
     * @param addresses the node's own addresses; none empties the list
     * @throws PeerManagerException when the database refuses the removal
     */
    public void setOwnAddresses(Iterable<PeerAddress> addresses) {
        List<PeerAddress> copy = Scratch.copy(addresses, "addresses");
        Scratch scratch = enter();
        try {
            scratch.check(Native.setOwnAddresses(pointer(), scratch.addresses(copy), copy.size(), scratch.error));
        } finally {
            leave(scratch);
        }
    }

    /**
     * Replaces the data of a peer: bytes of the program's, such as a node's id, which mean nothing here. They go with the peer: they
     * end when it is removed, and {@link #importFile} takes them over.
     *
     * <p>Cost: one transaction, for which it <b>may wait for the disk</b>; constant in memory.
     *
     * @param address where the peer listens
     * @param data at most {@link PeerManager#DATA_CAPACITY} bytes; with none the peer has no data any more
     * @throws NotFoundException if it is not in the table
     * @throws InvalidArgumentException for more bytes
     * @throws PeerManagerException when the database refuses the write
     */
    public void setData(PeerAddress address, byte[] data) {
        Objects.requireNonNull(data, "data");
        Scratch scratch = enter(address);
        try {
            scratch.check(Native.setData(
                    pointer(), scratch.address, scratch.bytes(data), data.length, scratch.error));
        } finally {
            leave(scratch);
        }
    }

    /**
     * Bans a host, on all its ports, or a prefix, until a time. The peers that it is about, preferred ones too, are removed in the same
     * transaction, and from then on refused with {@link RefusedException}, in a batch left out and counted in
     * {@link Stats#refusedPeers}. Banning the same again moves the end. The end of a ban brings nothing back.
     *
     * <p>Cost: linear in the table, and one transaction, for which it <b>may wait for the disk</b>.
     *
     * @param subject a host, in any spelling, such as {@code 203.0.113.7}, {@code 2001:db8::1} or {@code example.org}; or a prefix, such
     *     as {@code 203.0.113.0/24}; without a port
     * @param until the first second at which it is over; {@link Ban#FOR_GOOD} for one that has no end
     * @return how many peers were removed
     * @throws InvalidAddressException when the subject is neither a host nor a prefix
     * @throws InvalidArgumentException when the end is not later than now
     * @throws PeerManagerException when the database refuses it
     */
    public long ban(String subject, Instant until) {
        Objects.requireNonNull(subject, "subject");
        long end = Times.toSeconds(until);
        Scratch scratch = enterNow();
        try {
            scratch.check(Native.ban(
                    pointer(), scratch.text(subject, "subject"), end, scratch.out, scratch.error));
            return scratch.outLong();
        } finally {
            leave(scratch);
        }
    }

    /**
     * Ends the ban of exactly this subject. What another ban covers stays refused.
     *
     * <p>Cost: one transaction, for which it <b>may wait for the disk</b>.
     *
     * @param subject the subject, in any spelling
     * @throws NotFoundException when there is no such ban, or it has ended
     * @throws InvalidAddressException when the subject is neither a host nor a prefix
     * @throws PeerManagerException when the database refuses it
     */
    public void unban(String subject) {
        Objects.requireNonNull(subject, "subject");
        Scratch scratch = enterNow();
        try {
            scratch.check(Native.unban(pointer(), scratch.text(subject, "subject"), scratch.error));
        } finally {
            leave(scratch);
        }
    }

    private static byte truth(boolean value) {
        return (byte) (value ? 1 : 0);
    }
}
