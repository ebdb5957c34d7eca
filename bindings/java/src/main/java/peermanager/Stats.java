package peermanager;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Counts of what is in the table and of what happened since it was opened.
 *
 * @param durability how the table was opened
 * @param peers all peers
 * @param inbound peers of type {@link PeerType#INBOUND}
 * @param outbound peers of type {@link PeerType#OUTBOUND}
 * @param preferred peers of type {@link PeerType#PREFERRED}
 * @param ready peers whose next attempt is due
 * @param netgroups netgroups with at least one peer
 * @param pendingWrites with {@link Durability#DEFERRED}: changes that are not in the file yet
 * @param failedWrites writes to the database that failed; with {@link Durability#DEFERRED} each try of a group is one
 * @param skippedRows rows of the database that were not valid peers when it was opened
 * @param refusedPeers peers that a bound or a policy refused
 * @param bans bans that last now
 * @param logBytes the size in bytes of the write-ahead log
 * @param forgivenFailures failed attempts that did not count, because the node was offline
 * @param rejectedRows changes that the file's own constraints refused
 */
public record Stats(
        Durability durability,
        long peers,
        long inbound,
        long outbound,
        long preferred,
        long ready,
        long netgroups,
        long pendingWrites,
        long failedWrites,
        long skippedRows,
        long refusedPeers,
        long bans,
        long logBytes,
        long forgivenFailures,
        long rejectedRows) {
    private static final long DURABILITY = Layouts.offset(Layouts.STATS_STRUCT, "durability");
    private static final long COUNTS = Layouts.offset(Layouts.STATS_STRUCT, "peers");

    /** Refuses null. */
    public Stats {
        Objects.requireNonNull(durability, "durability");
    }

    static Stats of(MemorySegment from) {
        long[] counts = from.asSlice(COUNTS).toArray(JAVA_LONG);
        return new Stats(Durability.of(from.get(JAVA_INT, DURABILITY)), counts[0], counts[1], counts[2], counts[3],
                counts[4], counts[5], counts[6], counts[7], counts[8], counts[9], counts[10], counts[11], counts[12],
                counts[13]);
    }
}
