package peermanager;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;

/**
 * How a peer manager is opened: {@link PeerManager#open(Options)}. Immutable: each {@code with…} returns another one.
 */
public final class Options {
    private static final Duration MILLISECOND = Duration.ofMillis(1);
    private static final Duration SECOND = Duration.ofSeconds(1);

    private final Optional<Path> path;
    private final Durability durability;
    private final int busyTimeout;
    private final int flushInterval;
    private final OnCorrupt onCorrupt;
    private final OptionalLong rngSeed;
    private final Optional<InstantSource> clock;
    private final long maxPeers;
    private final int maxPeersPerNetgroup;
    private final int shareCache;
    private final int shareMaxPercent;
    private final Reach reach;
    private final boolean nameGroups;
    private final boolean keepHistory;
    private final int backoffUnit;
    private final int maxBackoffExponent;
    private final Optional<Path> asmap;

    /** What options are made of, with the defaults. A number that is 0 is the library's default. */
    private static final class Draft {
        Optional<Path> path = Optional.empty();
        Durability durability = Durability.COMMIT;
        int busyTimeout;
        int flushInterval;
        OnCorrupt onCorrupt = OnCorrupt.FAIL;
        OptionalLong rngSeed = OptionalLong.empty();
        Optional<InstantSource> clock = Optional.empty();
        long maxPeers;
        int maxPeersPerNetgroup;
        int shareCache;
        int shareMaxPercent;
        Reach reach = Reach.SPECIFICATION;
        boolean nameGroups;
        boolean keepHistory;
        int backoffUnit;
        int maxBackoffExponent;
        Optional<Path> asmap = Optional.empty();
    }

    private Options(Draft draft) {
        path = draft.path;
        durability = draft.durability;
        busyTimeout = draft.busyTimeout;
        flushInterval = draft.flushInterval;
        onCorrupt = draft.onCorrupt;
        rngSeed = draft.rngSeed;
        clock = draft.clock;
        maxPeers = draft.maxPeers;
        maxPeersPerNetgroup = draft.maxPeersPerNetgroup;
        shareCache = draft.shareCache;
        shareMaxPercent = draft.shareMaxPercent;
        reach = draft.reach;
        nameGroups = draft.nameGroups;
        keepHistory = draft.keepHistory;
        backoffUnit = draft.backoffUnit;
        maxBackoffExponent = draft.maxBackoffExponent;
        asmap = draft.asmap;
    }

    private Options with(Consumer<Draft> change) {
        Draft draft = new Draft();
        draft.path = path;
        draft.durability = durability;
        draft.busyTimeout = busyTimeout;
        draft.flushInterval = flushInterval;
        draft.onCorrupt = onCorrupt;
        draft.rngSeed = rngSeed;
        draft.clock = clock;
        draft.maxPeers = maxPeers;
        draft.maxPeersPerNetgroup = maxPeersPerNetgroup;
        draft.shareCache = shareCache;
        draft.shareMaxPercent = shareMaxPercent;
        draft.reach = reach;
        draft.nameGroups = nameGroups;
        draft.keepHistory = keepHistory;
        draft.backoffUnit = backoffUnit;
        draft.maxBackoffExponent = maxBackoffExponent;
        draft.asmap = asmap;
        change.accept(draft);
        return new Options(draft);
    }

    /**
     * A table in memory only.
     *
     * @return the options
     */
    public static Options inMemory() {
        return new Options(new Draft());
    }

    /**
     * A table in a database file, which is created if there is none. While it is open there are three more files next to it, with
     * {@code -wal}, {@code -shm} and {@code -lock} added to its name.
     *
     * @param path the file; never a URI
     * @return the options
     * @throws InvalidArgumentException for a path of another file system than the system's
     */
    public static Options file(Path path) {
        Checks.path(Objects.requireNonNull(path, "path"), "path");
        return inMemory().with(draft -> draft.path = Optional.of(path));
    }

    /**
     * Sets when a change is in the file.
     *
     * @param durability {@link Durability#COMMIT} by default
     * @return the options
     */
    public Options withDurability(Durability durability) {
        Objects.requireNonNull(durability, "durability");
        return with(draft -> draft.durability = durability);
    }

    /**
     * Sets how long to wait for another connection's lock, or for another peer manager that has the file open.
     *
     * @param timeout in milliseconds, more than 0; five seconds by default
     * @return the options
     * @throws InvalidArgumentException for one that is not positive or too long
     */
    public Options withBusyTimeout(Duration timeout) {
        int units = Times.unitsAboveZero(Objects.requireNonNull(timeout, "timeout"), MILLISECOND, "timeout");
        return with(draft -> draft.busyTimeout = units);
    }

    /**
     * Sets how long after the first change of a group {@link Durability#DEFERRED} commits the group.
     *
     * @param interval in milliseconds, more than 0; 100 ms by default
     * @return the options
     * @throws InvalidArgumentException for one that is not positive or too long
     */
    public Options withFlushInterval(Duration interval) {
        int units = Times.unitsAboveZero(Objects.requireNonNull(interval, "interval"), MILLISECOND, "interval");
        return with(draft -> draft.flushInterval = units);
    }

    /**
     * Sets what to do with a damaged file.
     *
     * @param onCorrupt {@link OnCorrupt#FAIL} by default
     * @return the options
     */
    public Options withOnCorrupt(OnCorrupt onCorrupt) {
        Objects.requireNonNull(onCorrupt, "onCorrupt");
        return with(draft -> draft.onCorrupt = onCorrupt);
    }

    /**
     * Makes every random choice predictable, for tests and simulations: the same calls at the same times get the same answers from the
     * same version of the library.
     *
     * @param rngSeed any 64 bits
     * @return the options
     */
    public Options withRngSeed(long rngSeed) {
        return with(draft -> draft.rngSeed = OptionalLong.of(rngSeed));
    }

    /**
     * Sets another clock than the system's, such as a {@link java.time.Clock}. It is read on the thread that uses the peer manager, once
     * before each call that needs the time, so it may use the peer manager itself. If it throws, so does that call, and nothing was
     * done.
     *
     * @param clock the clock
     * @return the options
     */
    public Options withClock(InstantSource clock) {
        Objects.requireNonNull(clock, "clock");
        return with(draft -> draft.clock = Optional.of(clock));
    }

    /**
     * Bounds the table. A new peer in a full table evicts the inbound peer with the most failures: of its own netgroup if one there has
     * failed, else of the table. If no inbound peer has failed, the new one is refused with {@link LimitException}, in a batch left
     * out, and counted in {@link Stats#refusedPeers}. Outbound and preferred peers are not evicted, but see
     * {@link #withKeepHistory}.
     *
     * @param maxPeers the most peers; 0, the default, for no bound
     * @return the options
     * @throws InvalidArgumentException for a negative number
     */
    public Options withMaxPeers(long maxPeers) {
        Checks.notNegative(maxPeers, "maxPeers");
        return with(draft -> draft.maxPeers = maxPeers);
    }

    /**
     * Bounds each netgroup: an IPv4 /16, an IPv6 /32, each name one of its own. A new peer in a full netgroup evicts only a peer of that
     * netgroup. {@link #withReach}, {@link #withNameGroups} and {@link #withAsmap} change what is one.
     *
     * @param maxPeers the most peers of one netgroup; 0, the default, for no bound
     * @return the options
     * @throws InvalidArgumentException for a number out of range
     */
    public Options withMaxPeersPerNetgroup(long maxPeers) {
        int units = Checks.unsignedInt(maxPeers, "maxPeers");
        return with(draft -> draft.maxPeersPerNetgroup = units);
    }

    /**
     * Makes {@link PeerManager#getPeersToSend} answer everyone from one shared list of drawn peers, so that no peer learns the table by
     * asking often.
     *
     * @param duration in seconds: how long a list is used, and a random time of up to half as long again; {@link Duration#ZERO}, the
     *     default, draws anew each time
     * @return the options
     * @throws InvalidArgumentException for one that is negative or too long
     */
    public Options withShareCache(Duration duration) {
        int units = Times.units(Objects.requireNonNull(duration, "duration"), SECOND, "duration");
        return with(draft -> draft.shareCache = units);
    }

    /**
     * Sets how much of each type the shared list may hold. Needs {@link #withShareCache}.
     *
     * @param percent 0 to 100; 0, the default, and 100 for no limit
     * @return the options
     * @throws InvalidArgumentException for a negative number; the library refuses more than 100 when the table is opened
     */
    public Options withShareMaxPercent(int percent) {
        Checks.notNegative(percent, "percent");
        return with(draft -> draft.shareMaxPercent = percent);
    }

    /**
     * Sets which network the node is in.
     *
     * @param reach {@link Reach#SPECIFICATION} by default
     * @return the options
     */
    public Options withReach(Reach reach) {
        Objects.requireNonNull(reach, "reach");
        return with(draft -> draft.reach = reach);
    }

    /**
     * Sets whether all DNS names together are one netgroup; .onion and .i2p are 16 each then.
     *
     * @param nameGroups false by default: each name is one
     * @return the options
     */
    public Options withNameGroups(boolean nameGroups) {
        return with(draft -> draft.nameGroups = nameGroups);
    }

    /**
     * Sets whether a {@link History} is kept of each peer, and saved. In a full table an outbound peer that is dead (it has failed
     * {@link PeerManager#MAX_FAILURES} times or more, and was not reached for 30 days) is then evicted before a new one is refused. It
     * takes 20 bytes a peer in memory, and a table of its own in the file.
     *
     * @param keepHistory false by default
     * @return the options
     */
    public Options withKeepHistory(boolean keepHistory) {
        return with(draft -> draft.keepHistory = keepHistory);
    }

    /**
     * Sets the unit of the back-off: after n failures a peer waits for a random time from one second to
     * {@code unit * 2^min(n, maxBackoffExponent)}.
     *
     * @param unit in seconds, more than 0, at most an hour; ten seconds by default
     * @return the options
     * @throws InvalidArgumentException for one that is not positive or too long
     */
    public Options withBackoffUnit(Duration unit) {
        int units = Times.unitsAboveZero(Objects.requireNonNull(unit, "unit"), SECOND, "unit");
        return with(draft -> draft.backoffUnit = units);
    }

    /**
     * Sets how often the back-off doubles.
     *
     * @param exponent at most 20; 0, the default, for 10
     * @return the options
     * @throws InvalidArgumentException for a negative number; the library refuses more than 20 when the table is opened
     */
    public Options withMaxBackoffExponent(int exponent) {
        Checks.notNegative(exponent, "exponent");
        return with(draft -> draft.maxBackoffExponent = exponent);
    }

    /**
     * Sets a map of the Internet's autonomous systems (AS), in the format of Bitcoin Core's asmap.dat: all IP addresses of one AS are one
     * netgroup then. It is read when the table is opened, and not again.
     *
     * @param file the file
     * @return the options
     * @throws InvalidArgumentException for a path of another file system
     */
    public Options withAsmap(Path file) {
        Checks.path(Objects.requireNonNull(file, "file"), "file");
        return with(draft -> draft.asmap = Optional.of(file));
    }

    Optional<InstantSource> clock() {
        return clock;
    }

    Durability durability() {
        return durability;
    }

    /** The struct for C. */
    MemorySegment write(Arena arena) {
        MemorySegment to = arena.allocate(Layouts.OPTIONS_STRUCT);
        to.set(JAVA_INT, offset("struct_size"), (int) Layouts.OPTIONS_STRUCT.byteSize());
        path.ifPresent(file -> to.set(ADDRESS, offset("db_path"), text(file, "path", arena)));
        to.set(JAVA_INT, offset("has_rng_seed"), rngSeed.isPresent() ? 1 : 0);
        to.set(JAVA_LONG, offset("rng_seed"), rngSeed.orElse(0));
        if (clock.isPresent()) {
            to.set(ADDRESS, offset("clock"), Present.function());
        }
        asmap.ifPresent(file -> to.set(ADDRESS, offset("asmap_path"), text(file, "asmap", arena)));
        to.set(JAVA_INT, offset("durability"), durability.value());
        to.set(JAVA_INT, offset("busy_timeout_ms"), busyTimeout);
        to.set(JAVA_INT, offset("flush_interval_ms"), flushInterval);
        to.set(JAVA_INT, offset("on_corrupt"), onCorrupt.value());
        to.set(JAVA_LONG, offset("max_peers"), maxPeers);
        to.set(JAVA_INT, offset("max_peers_per_netgroup"), maxPeersPerNetgroup);
        to.set(JAVA_INT, offset("share_cache_seconds"), shareCache);
        to.set(JAVA_INT, offset("share_max_percent"), shareMaxPercent);
        to.set(JAVA_INT, offset("reach"), reach.value());
        to.set(JAVA_INT, offset("name_groups"), nameGroups ? 1 : 0);
        to.set(JAVA_INT, offset("keep_history"), keepHistory ? 1 : 0);
        to.set(JAVA_INT, offset("backoff_seconds"), backoffUnit);
        to.set(JAVA_INT, offset("max_backoff_exponent"), maxBackoffExponent);
        return to;
    }

    private static MemorySegment text(Path file, String name, Arena arena) {
        return arena.allocateFrom(Checks.path(file, name));
    }

    private static long offset(String member) {
        return Layouts.offset(Layouts.OPTIONS_STRUCT, member);
    }
}
