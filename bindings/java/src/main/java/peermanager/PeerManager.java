package peermanager;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Optional;

/**
 * The peers that a node knows, in memory and in an SQLite file.
 *
 * <p>A node opens one, adds the addresses that it hears of ({@link #ensureExists}), draws peers to dial ({@link #nextToDial}), reports how
 * that went ({@link #update(PeerAddress, PeerType, Backoff)}), draws peers to tell others about ({@link #getPeersToSend}), and closes it.
 *
 * <p>Any number of threads may use one, also while another closes it: closing waits for the calls that are under way, and later ones
 * throw {@link ClosedException}. One that is forgotten is closed after the garbage collector has found it; but one that is still
 * there when the JVM ends is not, and with {@link Durability#DEFERRED} its last changes are lost then. So close it.
 */
public final class PeerManager extends Choices implements AutoCloseable {
    /** From this many failures on a node usually tells others about a peer no more. */
    public static final int MAX_FAILURES = 10;

    /** The most failures with which a peer is dialled still. */
    public static final int REALLY_DEAD = 120;

    /** The most bytes of data that a peer can have. */
    public static final int DATA_CAPACITY = Layouts.DATA_CAPACITY;

    private static final long STRUCT_SIZE = Layouts.offset(Layouts.STATS_STRUCT, "struct_size");

    /** As a path in the file system of Linux may be long. */
    private static final int PATH_CAPACITY = 4096;

    private final boolean isDeferred;

    private PeerManager(MemorySegment pointer, Options options) {
        super(pointer, options.clock());
        isDeferred = options.durability() == Durability.DEFERRED;
    }

    /**
     * Opens a table. Cost: linear in the rows of the database, for which it <b>may wait for the disk</b>.
     *
     * @param options how
     * @return the table, to be closed
     * @throws InvalidArgumentException for an option that the library refuses
     * @throws BusyException when the file stays locked, or another peer manager, of this process or another, has it open
     * @throws CorruptException when it is not a sound database of peers, and then it is left as it is
     * @throws DatabaseException when the file cannot be opened or created
     * @throws DiskFullException when there is no space for it
     */
    public static PeerManager open(Options options) {
        Objects.requireNonNull(options, "options");
        Optional<InstantSource> clock = options.clock();
        clock.ifPresent(Present::read);
        Scratch scratch = Scratch.take();
        try (Arena arena = Arena.ofConfined()) {
            scratch.check(Native.open(options.write(arena), scratch.out, scratch.error));
            return new PeerManager(scratch.outPointer(), options);
        } finally {
            scratch.give();
            clock.ifPresent(ignored -> Present.forget());
        }
    }

    /**
     * Opens a table in a database file with the default options. The file is created if there is none. It <b>may wait for the
     * disk</b>.
     *
     * @param path the file; never a URI
     * @return the table, to be closed
     * @throws PeerManagerException as {@link #open(Options)}
     */
    public static PeerManager open(Path path) {
        return open(Options.file(path));
    }

    /**
     * Makes a table that lives in memory only, with the default options.
     *
     * @return the table, to be closed
     */
    public static PeerManager inMemory() {
        return open(Options.inMemory());
    }

    /**
     * Closes the table and its file; a second time it does nothing. It waits for the calls that are under way in other threads, and
     * <b>may wait for the disk</b>. Snapshots stay valid.
     *
     * @throws PeerManagerException with {@link Durability#DEFERRED}: what keeps changes out of the file. They are lost then: call
     *     {@link #flush} first to have them kept and tried again.
     */
    @Override
    public void close() {
        try {
            if (isDeferred && !isClosed()) {
                flushDeferred();
            }
        } finally {
            free();
        }
    }

    private void flushDeferred() {
        try {
            flush();
        } catch (ClosedException error) {
            // Another thread was faster.
        } catch (PeerManagerException error) {
            // A flush may also have failed only to fsync what is in the file already. Closing does not promise that.
            if (hasPendingWrites()) {
                throw error;
            }
        }
    }

    private boolean hasPendingWrites() {
        try {
            return getStats().pendingWrites() > 0;
        } catch (PeerManagerException error) {
            return true;
        }
    }

    /**
     * Returns once everything that earlier calls changed is on disk, where it survives a loss of power. So it <b>may wait for the
     * disk</b>.
     *
     * @throws PeerManagerException what keeps it out of the file; with {@link Durability#DEFERRED} it is kept, and tried again later
     */
    public void flush() {
        Scratch scratch = enter();
        try {
            scratch.check(Native.flush(pointer(), scratch.error));
        } finally {
            leave(scratch);
        }
    }

    /**
     * Copies all peers as they are at one point in time. Cost: linear, about 32 bytes a peer, 52 with
     * {@link Options#withKeepHistory}; never waits for the disk.
     *
     * @return the copy, in no particular order, to be closed
     * @throws NoMemoryException when there is not enough for it
     */
    public Snapshot getAllPeers() {
        Scratch scratch = enter();
        try {
            scratch.check(Native.getAllPeers(pointer(), scratch.out, scratch.error));
            return new Snapshot(scratch.outPointer());
        } finally {
            leave(scratch);
        }
    }

    /**
     * Counts peers, writes and refusals. Cost: constant in a table with bounds, or once it was queried by netgroup; else linear in the
     * table. Never waits for the disk.
     *
     * @return the counts
     */
    public Stats getStats() {
        Scratch scratch = enterNow();
        try {
            scratch.stats.fill((byte) 0).set(JAVA_INT, STRUCT_SIZE, (int) Layouts.STATS_STRUCT.byteSize());
            scratch.check(Native.getStats(pointer(), scratch.stats, scratch.error));
            return Stats.of(scratch.stats);
        } finally {
            leave(scratch);
        }
    }

    /**
     * Returns what happened to the file, if it was damaged when it was opened with {@link OnCorrupt#QUARANTINE}. Cost: constant; never
     * waits for the disk.
     *
     * @return what happened; empty if it was not damaged
     */
    public Optional<Quarantine> getQuarantine() {
        Scratch scratch = enter();
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment path = arena.allocate(PATH_CAPACITY);
            scratch.check(Native.getQuarantine(
                    pointer(), path, PATH_CAPACITY, scratch.out, scratch.out2, scratch.error));
            String text = path.getString(0);
            return text.isEmpty()
                    ? Optional.empty()
                    : Optional.of(new Quarantine(Path.of(text), scratch.outLong(), scratch.out2.get(JAVA_LONG, 0)));
        } finally {
            leave(scratch);
        }
    }

    /**
     * Returns the version of the library that is loaded.
     *
     * @return text such as {@code 0.2.0}
     * @throws UnsatisfiedLinkError if the library cannot be loaded
     */
    public static String libraryVersion() {
        return text(Native.versionString());
    }

    /**
     * Returns the version of the library that is loaded as one number, for comparisons.
     *
     * @return major * 1000000 + minor * 1000 + patch
     * @throws UnsatisfiedLinkError if the library cannot be loaded
     */
    public static int libraryVersionNumber() {
        return Native.versionNumber();
    }

    /**
     * Describes how the library that is loaded was built: its version, that of SQLite, the platform.
     *
     * @return one line, for logs and bug reports
     * @throws UnsatisfiedLinkError if the library cannot be loaded
     */
    public static String buildInfo() {
        return text(Native.buildInfo());
    }

    /** Static text of the library. */
    @SuppressWarnings("restricted")
    static String text(MemorySegment pointer) {
        return pointer.reinterpret(Long.MAX_VALUE).getString(0);
    }

    /**
     * Returns whether this is closed, for logs.
     *
     * @return text without any peer
     */
    @Override
    public String toString() {
        return "PeerManager[" + (isClosed() ? "closed" : "open") + "]";
    }
}
