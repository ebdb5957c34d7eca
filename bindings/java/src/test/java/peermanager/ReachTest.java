package peermanager;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Every function and every constant of the header can be reached. */
class ReachTest {
    /** The functions that Java has no use for, and why. */
    private static final Map<String, String> LEFT_OUT = Map.ofEntries(
            Map.entry("peer_manager_address_equal", "PeerAddress.equals: addresses are canonical"),
            Map.entry("peer_manager_address_format", "PeerAddress.toString: only brackets are added"),
            Map.entry("peer_manager_address_from_sockaddr", "PeerAddress.of(InetSocketAddress)"),
            Map.entry("peer_manager_address_to_sockaddr", "PeerAddress.toInetSocketAddress"),
            Map.entry("peer_manager_record_init", "PeerRecord.of"),
            Map.entry("peer_manager_record_is_ready", "PeerRecord.isReady compares two times"),
            Map.entry("peer_manager_options_init", "all members of Options are written"),
            Map.entry("peer_manager_query_init", "all members of Query are written"),
            Map.entry("peer_manager_stats_init", "all members of Stats are zeroed"),
            Map.entry("peer_manager_new_in_memory", "PeerManager.inMemory opens with the default options"),
            Map.entry("peer_manager_new_with_db", "PeerManager.open(Path) opens with options"),
            Map.entry("peer_manager_from_connection", "a JDBC driver hands out no connection, and has its own copy of SQLite"));

    @Test
    void everyFunctionOfTheHeaderIsBoundOrLeftOutForAReason() {
        assertEquals(Tests.version(), PeerManager.libraryVersion());
        TreeSet<String> declared = new TreeSet<>(
                Tests.all("(?m)^(?:PEER_MANAGER_API )?[a-z][a-z0-9_ *]*?\\b(peer_manager_[a-z0-9_]+)\\(", Tests.header()));
        assertTrue(declared.size() >= 61, declared::toString);
        TreeSet<String> reached = new TreeSet<>(Functions.BOUND);
        reached.addAll(LEFT_OUT.keySet());
        assertEquals(declared, reached);
        assertTrue(LEFT_OUT.keySet().stream().noneMatch(Functions.BOUND::contains));
    }

    @Test
    void theVersionIsTheSameEverywhere() {
        String version = Tests.version();
        int[] parts = Stream.of(version.split("[.]")).mapToInt(Integer::parseInt).toArray();
        assertEquals(parts[0] * 1_000_000 + parts[1] * 1_000 + parts[2], PeerManager.libraryVersionNumber());
        assertTrue(PeerManager.buildInfo().contains(version), PeerManager.buildInfo());
        String pom = Tests.read(Tests.root().resolve("bindings/java/pom.xml"));
        assertEquals(version, Tests.all("<version>(.*?)</version>", pom).getFirst());
        String readme = Tests.read(Tests.root().resolve("bindings/java/README.md"));
        assertEquals(Set.of(version), Set.copyOf(Tests.all("peer-manager-([0-9.]+[0-9])[-.]", readme)));
        assertEquals(version, Tests.all("<version>(.*?)</version>", readme).getFirst());
    }

    @Test
    void everyFunctionThatIsBoundIsCalled() throws IOException {
        Path sources = Tests.root().resolve("bindings/java/src/main/java/peermanager");
        String natives = Tests.read(sources.resolve("Native.java"));
        String callers;
        try (Stream<Path> files = Files.list(sources)) {
            callers = files.filter(file -> !file.endsWith("Native.java")).map(Tests::read).collect(Collectors.joining());
        }
        for (String name : Tests.all("(?m)^    static \\w+ (\\w+)\\(", natives)) {
            assertTrue(Stream.of("Native." + name + "(", "Native::" + name).anyMatch(callers::contains), name);
        }
        assertEquals(Functions.BOUND.size(), Tests.all("(?m)^    static \\w+ (\\w+)\\(", natives).size());
    }

    @Test
    void everyConstantOfTheHeaderHasItsName() {
        String header = Tests.header();
        assertEquals(constants("TYPE", header), names(PeerType.values()));
        assertEquals(constants("FILTER", header), names(TypeFilter.values()));
        assertEquals(constants("BACKOFF", header), names(Backoff.values()));
        assertEquals(constants("DURABILITY", header), names(Durability.values()));
        assertEquals(constants("ON_CORRUPT", header), names(OnCorrupt.values()));
        assertEquals(constants("REACH", header), names(Reach.values()));
        assertEquals(constants("NETWORK", header), names(Network.values()));
        assertEquals(constants("DIAL", header), names(Purpose.values()));
        TreeSet<String> statuses = names(Status.values());
        statuses.remove("UNKNOWN -1");
        assertEquals(constants("ERROR", header), statuses);
        assertEquals(PeerManager.MAX_FAILURES, constant("MAX_FAILURES", header));
        assertEquals(PeerManager.REALLY_DEAD, constant("REALLY_DEAD", header));
        assertEquals(PeerManager.DATA_CAPACITY, constant("DATA_CAPACITY", header));
    }

    private static TreeSet<String> constants(String kind, String header) {
        TreeSet<String> found = new TreeSet<>(
                Tests.all("(?m)^#define PEER_MANAGER_" + kind + "_([A-Z0-9_]+ [0-9]+)$", header));
        assertTrue(found.size() >= 2, kind);
        return found;
    }

    private static int constant(String name, String header) {
        return Integer.parseInt(Tests.all("(?m)^#define PEER_MANAGER_" + name + " ([0-9]+)$", header).getFirst());
    }

    /** As the constants are written. */
    private static TreeSet<String> names(Enum<?>[] values) {
        TreeSet<String> names = new TreeSet<>();
        for (Enum<?> value : values) {
            int number = switch (value) {
                case PeerType type -> type.value();
                case TypeFilter filter -> filter.value();
                case Backoff backoff -> backoff.value();
                case Durability durability -> durability.value();
                case OnCorrupt onCorrupt -> onCorrupt.value();
                case Reach reach -> reach.value();
                case Network network -> network.value();
                case Purpose purpose -> purpose.value();
                case Status status -> status.value();
                default -> throw new AssertionError(value);
            };
            names.add(value.name() + " " + number);
        }
        return names;
    }
}
