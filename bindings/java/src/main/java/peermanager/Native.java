package peermanager;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BOOLEAN;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_CHAR;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The functions of the C header that this binding calls, one for one.
 *
 * <p>JAVA_CHAR is the type for uint16_t, because it is extended with zeros; JAVA_LONG is that for size_t.
 */
final class Native {
    private Native() {}

    private static final MethodHandle VERSION_NUMBER = Functions.quick(
            "peer_manager_version_number",
            FunctionDescriptor.of(JAVA_INT));

    static int versionNumber() {
        try {
            return (int) VERSION_NUMBER.invokeExact();
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle VERSION_STRING = Functions.quick(
            "peer_manager_version_string",
            FunctionDescriptor.of(ADDRESS));

    static MemorySegment versionString() {
        try {
            return (MemorySegment) VERSION_STRING.invokeExact();
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle BUILD_INFO = Functions.quick(
            "peer_manager_build_info",
            FunctionDescriptor.of(ADDRESS));

    static MemorySegment buildInfo() {
        try {
            return (MemorySegment) BUILD_INFO.invokeExact();
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle STATUS_NAME = Functions.quick(
            "peer_manager_status_name",
            FunctionDescriptor.of(ADDRESS, JAVA_INT));

    static MemorySegment statusName(int status) {
        try {
            return (MemorySegment) STATUS_NAME.invokeExact(status);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle ADDRESS_INIT = Functions.quick(
            "peer_manager_address_init",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_CHAR, ADDRESS, ADDRESS));

    static int addressInit(MemorySegment host, char port, MemorySegment out, MemorySegment error) {
        try {
            return (int) ADDRESS_INIT.invokeExact(host, port, out, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle ADDRESS_PARSE = Functions.quick(
            "peer_manager_address_parse",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_CHAR, ADDRESS, ADDRESS));

    static int addressParse(MemorySegment text, char defaultPort, MemorySegment out, MemorySegment error) {
        try {
            return (int) ADDRESS_PARSE.invokeExact(text, defaultPort, out, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle ADDRESS_IS_PRIVATE = Functions.quick(
            "peer_manager_address_is_private",
            FunctionDescriptor.of(JAVA_BOOLEAN, ADDRESS));

    static boolean addressIsPrivate(MemorySegment address) {
        try {
            return (boolean) ADDRESS_IS_PRIVATE.invokeExact(address);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle ADDRESS_IS_ROUTABLE = Functions.quick(
            "peer_manager_address_is_routable",
            FunctionDescriptor.of(JAVA_BOOLEAN, ADDRESS));

    static boolean addressIsRoutable(MemorySegment address) {
        try {
            return (boolean) ADDRESS_IS_ROUTABLE.invokeExact(address);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle ADDRESS_NETGROUP = Functions.function(
            "peer_manager_address_netgroup",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS));

    static int addressNetgroup(MemorySegment pm, MemorySegment address, MemorySegment out, MemorySegment error) {
        try {
            return (int) ADDRESS_NETGROUP.invokeExact(pm, address, out, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle OPEN = Functions.function(
            "peer_manager_open",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));

    static int open(MemorySegment options, MemorySegment out, MemorySegment error) {
        try {
            return (int) OPEN.invokeExact(options, out, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle FLUSH = Functions.function(
            "peer_manager_flush",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));

    static int flush(MemorySegment pm, MemorySegment error) {
        try {
            return (int) FLUSH.invokeExact(pm, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle FREE = Functions.function("peer_manager_free", FunctionDescriptor.ofVoid(ADDRESS));

    static void free(MemorySegment pm) {
        try {
            FREE.invokeExact(pm);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle ENSURE_EXISTS = Functions.function(
            "peer_manager_ensure_exists",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));

    static int ensureExists(MemorySegment pm, MemorySegment address, MemorySegment error) {
        try {
            return (int) ENSURE_EXISTS.invokeExact(pm, address, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle ENSURE_EXISTS_MANY = Functions.function(
            "peer_manager_ensure_exists_many",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));

    static int ensureExistsMany(
            MemorySegment pm, MemorySegment addresses, long count, MemorySegment inserted, MemorySegment error) {
        try {
            return (int) ENSURE_EXISTS_MANY.invokeExact(pm, addresses, count, inserted, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle LOAD = Functions.function(
            "peer_manager_load",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS));

    static int load(MemorySegment pm, MemorySegment address, MemorySegment out, MemorySegment error) {
        try {
            return (int) LOAD.invokeExact(pm, address, out, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle STORE = Functions.function(
            "peer_manager_store",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));

    static int store(MemorySegment pm, MemorySegment record, MemorySegment error) {
        try {
            return (int) STORE.invokeExact(pm, record, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle STORE_MANY = Functions.function(
            "peer_manager_store_many",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));

    static int storeMany(MemorySegment pm, MemorySegment records, long count, MemorySegment error) {
        try {
            return (int) STORE_MANY.invokeExact(pm, records, count, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle UPDATE_TYPE = Functions.function(
            "peer_manager_update_type",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, JAVA_BYTE, ADDRESS));

    static int updateType(
            MemorySegment pm, MemorySegment address, int observed, byte preferredTypeKnown, MemorySegment error) {
        try {
            return (int) UPDATE_TYPE.invokeExact(pm, address, observed, preferredTypeKnown, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle UPDATE_BACKOFF = Functions.function(
            "peer_manager_update_backoff",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, ADDRESS));

    static int updateBackoff(MemorySegment pm, MemorySegment address, int backoff, MemorySegment error) {
        try {
            return (int) UPDATE_BACKOFF.invokeExact(pm, address, backoff, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle UPDATE = Functions.function(
            "peer_manager_update",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT, JAVA_BYTE, JAVA_INT, ADDRESS));

    static int update(
            MemorySegment pm, MemorySegment address, int observed, byte preferredTypeKnown, int backoff, MemorySegment
            error) {
        try {
            return (int) UPDATE.invokeExact(pm, address, observed, preferredTypeKnown, backoff, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle REMOVE = Functions.function(
            "peer_manager_remove",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));

    static int remove(MemorySegment pm, MemorySegment address, MemorySegment error) {
        try {
            return (int) REMOVE.invokeExact(pm, address, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle REMOVE_PEERS_WITH_MANY_FAILURES = Functions.function(
            "peer_manager_remove_peers_with_many_failures",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, ADDRESS));

    static int removePeersWithManyFailures(MemorySegment pm, int failures, MemorySegment removed, MemorySegment error) {
        try {
            return (int) REMOVE_PEERS_WITH_MANY_FAILURES.invokeExact(pm, failures, removed, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle LIMIT_NEXT_ATTEMPT = Functions.function(
            "peer_manager_limit_next_attempt",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));

    static int limitNextAttempt(MemorySegment pm, long latest, MemorySegment changed, MemorySegment error) {
        try {
            return (int) LIMIT_NEXT_ATTEMPT.invokeExact(pm, latest, changed, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle REMOVE_HOST = Functions.function(
            "peer_manager_remove_host",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS));

    static int removeHost(MemorySegment pm, MemorySegment host, MemorySegment removed, MemorySegment error) {
        try {
            return (int) REMOVE_HOST.invokeExact(pm, host, removed, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle CLEAR_ALL = Functions.function(
            "peer_manager_clear_all",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));

    static int clearAll(MemorySegment pm, MemorySegment error) {
        try {
            return (int) CLEAR_ALL.invokeExact(pm, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle IMPORT_FILE = Functions.function(
            "peer_manager_import",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS));

    static int importFile(MemorySegment pm, MemorySegment path, MemorySegment inserted, MemorySegment error) {
        try {
            return (int) IMPORT_FILE.invokeExact(pm, path, inserted, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle LOAD_RANDOM_PEERS = Functions.function(
            "peer_manager_load_random_peers",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS));

    static int loadRandomPeers(
            MemorySegment pm, MemorySegment query, long size, MemorySegment out, MemorySegment count, MemorySegment error) {
        try {
            return (int) LOAD_RANDOM_PEERS.invokeExact(pm, query, size, out, count, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle GET_PEERS_TO_SEND = Functions.function(
            "peer_manager_get_peers_to_send",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS));

    static int getPeersToSend(
            MemorySegment pm, MemorySegment query, MemorySegment exclude, long size, MemorySegment out, MemorySegment
            count, MemorySegment error) {
        try {
            return (int) GET_PEERS_TO_SEND.invokeExact(pm, query, exclude, size, out, count, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle NEXT_TO_DIAL = Functions.function(
            "peer_manager_next_to_dial",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS));

    static int nextToDial(
            MemorySegment pm, int purpose, MemorySegment busy, long busyCount, long size, MemorySegment out,
            MemorySegment count, MemorySegment error) {
        try {
            return (int) NEXT_TO_DIAL.invokeExact(pm, purpose, busy, busyCount, size, out, count, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle NEXT_DUE = Functions.function(
            "peer_manager_next_due",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));

    static int nextDue(MemorySegment pm, MemorySegment out, MemorySegment error) {
        try {
            return (int) NEXT_DUE.invokeExact(pm, out, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle SET_ONLINE = Functions.function(
            "peer_manager_set_online",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_BYTE, ADDRESS));

    static int setOnline(MemorySegment pm, byte online, MemorySegment error) {
        try {
            return (int) SET_ONLINE.invokeExact(pm, online, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle SET_OWN_ADDRESSES = Functions.function(
            "peer_manager_set_own_addresses",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));

    static int setOwnAddresses(MemorySegment pm, MemorySegment addresses, long count, MemorySegment error) {
        try {
            return (int) SET_OWN_ADDRESSES.invokeExact(pm, addresses, count, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle BAN = Functions.function(
            "peer_manager_ban",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));

    static int ban(MemorySegment pm, MemorySegment subject, long until, MemorySegment removed, MemorySegment error) {
        try {
            return (int) BAN.invokeExact(pm, subject, until, removed, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle UNBAN = Functions.function(
            "peer_manager_unban",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));

    static int unban(MemorySegment pm, MemorySegment subject, MemorySegment error) {
        try {
            return (int) UNBAN.invokeExact(pm, subject, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle IS_BANNED = Functions.function(
            "peer_manager_is_banned",
            FunctionDescriptor.of(JAVA_BOOLEAN, ADDRESS, ADDRESS));

    static boolean isBanned(MemorySegment pm, MemorySegment address) {
        try {
            return (boolean) IS_BANNED.invokeExact(pm, address);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle GET_BANS = Functions.function(
            "peer_manager_get_bans",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS));

    static int getBans(MemorySegment pm, long capacity, MemorySegment out, MemorySegment count, MemorySegment error) {
        try {
            return (int) GET_BANS.invokeExact(pm, capacity, out, count, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle PEER_COUNT = Functions.function(
            "peer_manager_peer_count",
            FunctionDescriptor.of(JAVA_LONG, ADDRESS));

    static long peerCount(MemorySegment pm) {
        try {
            return (long) PEER_COUNT.invokeExact(pm);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle GET_ALL_PEERS = Functions.function(
            "peer_manager_get_all_peers",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));

    static int getAllPeers(MemorySegment pm, MemorySegment out, MemorySegment error) {
        try {
            return (int) GET_ALL_PEERS.invokeExact(pm, out, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle SNAPSHOT_COUNT = Functions.quick(
            "peer_manager_snapshot_count",
            FunctionDescriptor.of(JAVA_LONG, ADDRESS));

    static long snapshotCount(MemorySegment snapshot) {
        try {
            return (long) SNAPSHOT_COUNT.invokeExact(snapshot);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle SNAPSHOT_GET = Functions.quick(
            "peer_manager_snapshot_get",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));

    static int snapshotGet(MemorySegment snapshot, long index, MemorySegment out, MemorySegment error) {
        try {
            return (int) SNAPSHOT_GET.invokeExact(snapshot, index, out, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle SNAPSHOT_FREE = Functions.function(
            "peer_manager_snapshot_free",
            FunctionDescriptor.ofVoid(ADDRESS));

    static void snapshotFree(MemorySegment snapshot) {
        try {
            SNAPSHOT_FREE.invokeExact(snapshot);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle LOAD_HISTORY = Functions.function(
            "peer_manager_load_history",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS));

    static int loadHistory(MemorySegment pm, MemorySegment address, MemorySegment out, MemorySegment error) {
        try {
            return (int) LOAD_HISTORY.invokeExact(pm, address, out, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle SNAPSHOT_GET_HISTORY = Functions.quick(
            "peer_manager_snapshot_get_history",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));

    static int snapshotGetHistory(MemorySegment snapshot, long index, MemorySegment out, MemorySegment error) {
        try {
            return (int) SNAPSHOT_GET_HISTORY.invokeExact(snapshot, index, out, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle REMOVE_PEERS_NOT_HEARD_SINCE = Functions.function(
            "peer_manager_remove_peers_not_heard_since",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));

    static int removePeersNotHeardSince(MemorySegment pm, long since, MemorySegment removed, MemorySegment error) {
        try {
            return (int) REMOVE_PEERS_NOT_HEARD_SINCE.invokeExact(pm, since, removed, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle SET_DATA = Functions.function(
            "peer_manager_set_data",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));

    static int setData(MemorySegment pm, MemorySegment address, MemorySegment data, long size, MemorySegment error) {
        try {
            return (int) SET_DATA.invokeExact(pm, address, data, size, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle GET_DATA = Functions.function(
            "peer_manager_get_data",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));

    static int getData(
            MemorySegment pm, MemorySegment address, MemorySegment out, long capacity, MemorySegment size, MemorySegment
            error) {
        try {
            return (int) GET_DATA.invokeExact(pm, address, out, capacity, size, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle SNAPSHOT_GET_DATA = Functions.quick(
            "peer_manager_snapshot_get_data",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS));

    static int snapshotGetData(
            MemorySegment snapshot, long index, MemorySegment out, long capacity, MemorySegment size, MemorySegment error) {
        try {
            return (int) SNAPSHOT_GET_DATA.invokeExact(snapshot, index, out, capacity, size, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle GET_STATS = Functions.function(
            "peer_manager_get_stats",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS));

    static int getStats(MemorySegment pm, MemorySegment out, MemorySegment error) {
        try {
            return (int) GET_STATS.invokeExact(pm, out, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }

    private static final MethodHandle GET_QUARANTINE = Functions.function(
            "peer_manager_get_quarantine",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, ADDRESS));

    static int getQuarantine(
            MemorySegment pm, MemorySegment path, long capacity, MemorySegment saved, MemorySegment lost, MemorySegment
            error) {
        try {
            return (int) GET_QUARANTINE.invokeExact(pm, path, capacity, saved, lost, error);
        } catch (Throwable thrown) {
            throw Functions.unexpected(thrown);
        }
    }
}
