package peermanager;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_CHAR;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** The structs of the C header, and how values are read from them. A test compares them with what a C compiler makes of it. */
final class Layouts {
    private Layouts() {}

    static final StructLayout ADDRESS_STRUCT = MemoryLayout.structLayout(
            MemoryLayout.sequenceLayout(254, JAVA_BYTE).withName("host"),
            JAVA_CHAR.withName("port"));

    static final StructLayout ERROR_STRUCT = MemoryLayout.structLayout(
            JAVA_INT.withName("status"),
            JAVA_INT.withName("sqlite_code"),
            MemoryLayout.sequenceLayout(248, JAVA_BYTE).withName("message"));

    static final StructLayout RECORD_STRUCT = MemoryLayout.structLayout(
            ADDRESS_STRUCT.withName("address"),
            JAVA_LONG.withName("next_attempt"),
            JAVA_INT.withName("num_failures"),
            JAVA_INT.withName("peer_type"));

    static final StructLayout OPTIONS_STRUCT = MemoryLayout.structLayout(
            JAVA_INT.withName("struct_size"),
            JAVA_INT.withName("durability"),
            ADDRESS.withName("db_path"),
            JAVA_INT.withName("busy_timeout_ms"),
            JAVA_INT.withName("flush_interval_ms"),
            JAVA_INT.withName("on_corrupt"),
            JAVA_INT.withName("has_rng_seed"),
            JAVA_LONG.withName("rng_seed"),
            ADDRESS.withName("clock"),
            ADDRESS.withName("clock_context"),
            JAVA_LONG.withName("max_peers"),
            JAVA_INT.withName("max_peers_per_netgroup"),
            JAVA_INT.withName("share_cache_seconds"),
            JAVA_INT.withName("share_max_percent"),
            JAVA_INT.withName("reserved"),
            JAVA_INT.withName("reach"),
            JAVA_INT.withName("name_groups"),
            JAVA_INT.withName("keep_history"),
            JAVA_INT.withName("backoff_seconds"),
            JAVA_INT.withName("max_backoff_exponent"),
            JAVA_INT.withName("reserved2"),
            ADDRESS.withName("asmap_path"));

    static final StructLayout QUERY_STRUCT = MemoryLayout.structLayout(
            JAVA_INT.withName("struct_size"),
            JAVA_INT.withName("type_filter"),
            JAVA_INT.withName("use_next_attempt"),
            JAVA_INT.withName("has_max_num_failures"),
            JAVA_INT.withName("max_num_failures"),
            JAVA_INT.withName("max_per_netgroup"),
            ADDRESS.withName("exclude"),
            JAVA_LONG.withName("exclude_count"),
            JAVA_INT.withName("seniority"),
            JAVA_INT.withName("apart"),
            JAVA_INT.withName("networks"),
            JAVA_INT.withName("share_key"),
            JAVA_LONG.withName("heard_since"),
            JAVA_LONG.withName("reached_since"));

    static final StructLayout HISTORY_STRUCT = MemoryLayout.structLayout(
            JAVA_LONG.withName("first_heard"),
            JAVA_LONG.withName("last_heard"),
            JAVA_LONG.withName("first_reached"),
            JAVA_LONG.withName("last_reached"),
            JAVA_LONG.withName("last_attempt"));

    static final StructLayout BAN_STRUCT = MemoryLayout.structLayout(
            MemoryLayout.sequenceLayout(264, JAVA_BYTE).withName("subject"),
            JAVA_LONG.withName("until"));

    static final StructLayout STATS_STRUCT = MemoryLayout.structLayout(
            JAVA_INT.withName("struct_size"),
            JAVA_INT.withName("durability"),
            JAVA_LONG.withName("peers"),
            JAVA_LONG.withName("inbound"),
            JAVA_LONG.withName("outbound"),
            JAVA_LONG.withName("preferred"),
            JAVA_LONG.withName("ready"),
            JAVA_LONG.withName("netgroups"),
            JAVA_LONG.withName("pending_writes"),
            JAVA_LONG.withName("failed_writes"),
            JAVA_LONG.withName("skipped_rows"),
            JAVA_LONG.withName("refused_peers"),
            JAVA_LONG.withName("bans"),
            JAVA_LONG.withName("log_bytes"),
            JAVA_LONG.withName("forgiven_failures"),
            JAVA_LONG.withName("rejected_rows"));

    /** All of them, by their names in C. */
    static final Map<String, StructLayout> ALL = Map.of(
            "peer_manager_address", ADDRESS_STRUCT,
            "peer_manager_error", ERROR_STRUCT,
            "peer_manager_record", RECORD_STRUCT,
            "peer_manager_options", OPTIONS_STRUCT,
            "peer_manager_query", QUERY_STRUCT,
            "peer_manager_history", HISTORY_STRUCT,
            "peer_manager_ban_entry", BAN_STRUCT,
            "peer_manager_stats", STATS_STRUCT);

    static final long ADDRESS_SIZE = ADDRESS_STRUCT.byteSize();
    static final long RECORD_SIZE = RECORD_STRUCT.byteSize();
    static final long BAN_SIZE = BAN_STRUCT.byteSize();

    /** The most bytes of data that a peer can have. */
    static final int DATA_CAPACITY = 255;

    private static final long HOST = offset(ADDRESS_STRUCT, "host");
    private static final long PORT = offset(ADDRESS_STRUCT, "port");
    private static final long NEXT_ATTEMPT = offset(RECORD_STRUCT, "next_attempt");
    private static final long NUM_FAILURES = offset(RECORD_STRUCT, "num_failures");
    private static final long PEER_TYPE = offset(RECORD_STRUCT, "peer_type");
    private static final long SQLITE_CODE = offset(ERROR_STRUCT, "sqlite_code");
    private static final long MESSAGE = offset(ERROR_STRUCT, "message");
    private static final long FIRST_HEARD = offset(HISTORY_STRUCT, "first_heard");
    private static final long LAST_HEARD = offset(HISTORY_STRUCT, "last_heard");
    private static final long FIRST_REACHED = offset(HISTORY_STRUCT, "first_reached");
    private static final long LAST_REACHED = offset(HISTORY_STRUCT, "last_reached");
    private static final long LAST_ATTEMPT = offset(HISTORY_STRUCT, "last_attempt");
    private static final long SUBJECT = offset(BAN_STRUCT, "subject");
    private static final long UNTIL = offset(BAN_STRUCT, "until");

    /** Where a member begins. */
    static long offset(StructLayout struct, String member) {
        return struct.byteOffset(PathElement.groupElement(member));
    }

    static PeerAddress readAddress(MemorySegment from, long at) {
        // The library writes canonical hosts, which are ASCII.
        String host = from.getString(at + HOST, StandardCharsets.US_ASCII);
        return new PeerAddress(host, from.get(JAVA_CHAR, at + PORT));
    }

    static void writeAddress(PeerAddress address, MemorySegment to, long at) {
        to.setString(at + HOST, address.host(), StandardCharsets.US_ASCII);
        to.set(JAVA_CHAR, at + PORT, (char) address.port());
    }

    static PeerRecord readRecord(MemorySegment from, long at) {
        return new PeerRecord(
                readAddress(from, at),
                Times.toInstant(from.get(JAVA_LONG, at + NEXT_ATTEMPT)),
                Integer.toUnsignedLong(from.get(JAVA_INT, at + NUM_FAILURES)),
                PeerType.of(from.get(JAVA_INT, at + PEER_TYPE)));
    }

    static void writeRecord(PeerRecord record, MemorySegment to, long at) {
        writeAddress(record.address(), to, at);
        to.set(JAVA_LONG, at + NEXT_ATTEMPT, Times.toSeconds(record.nextAttempt()));
        to.set(JAVA_INT, at + NUM_FAILURES, (int) record.numFailures());
        to.set(JAVA_INT, at + PEER_TYPE, record.peerType().value());
    }

    static History readHistory(MemorySegment from) {
        return new History(
                Times.unlessZero(from.get(JAVA_LONG, FIRST_HEARD)),
                Times.unlessZero(from.get(JAVA_LONG, LAST_HEARD)),
                Times.unlessZero(from.get(JAVA_LONG, FIRST_REACHED)),
                Times.unlessZero(from.get(JAVA_LONG, LAST_REACHED)),
                Times.unlessZero(from.get(JAVA_LONG, LAST_ATTEMPT)));
    }

    static Ban readBan(MemorySegment from, long at) {
        return new Ban(from.getString(at + SUBJECT), Times.toInstant(from.get(JAVA_LONG, at + UNTIL)));
    }

    /** The exception for what failed. */
    static PeerManagerException readError(int status, MemorySegment error) {
        return PeerManagerException.of(status, error.get(JAVA_INT, SQLITE_CODE), error.getString(MESSAGE));
    }
}
