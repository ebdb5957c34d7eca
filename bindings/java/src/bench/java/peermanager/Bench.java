package peermanager;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What a call costs, compared with the same calls in C, on one table of 10,000 peers in memory. Short rounds of both alternate, so that what
 * else the machine does is spread over both; the quickest and the median round are printed.
 */
public final class Bench {
    private static final int PEERS = 10_000;
    private static final int ROUNDS = 200;
    private static final int WARM_UP = 60;

    private Bench() {}

    /** Does something so many times. */
    private interface Loop {
        long run(long times) throws Throwable;
    }

    /**
     * Prints a table for the README.
     *
     * @param arguments the path of the C loops
     * @throws Throwable if anything fails
     */
    public static void main(String[] arguments) throws Throwable {
        System.out.println(PeerManager.buildInfo() + ", Java " + Runtime.version());
        System.out.println("| 10,000 peers in memory | C | Java | more than C | ratio |");
        System.out.println("|---|---:|---:|---:|---:|");
        try (PeerManager peers = PeerManager.inMemory(); Arena arena = Arena.ofConfined()) {
            fill(peers);
            C c = new C(Path.of(arguments[0]), arena);
            PeerAddress address = PeerAddress.parse("11.0.7.1:8333");
            MemorySegment native1 = arena.allocate(Layouts.ADDRESS_STRUCT);
            Layouts.writeAddress(address, native1, 0);
            MemorySegment pm = peers.pointer();

            MethodHandle load = c.loop("bench_load", 1, ADDRESS, ADDRESS, JAVA_LONG);
            MemorySegment loads = c.function("load");
            compare("`load`", 20_000, times -> (long) load.invokeExact(loads, pm, native1, times), times -> {
                long failed = 0;
                for (long i = 0; i < times; i++) {
                    failed += peers.load(address).isPresent() ? 0 : 1;
                }
                return failed;
            });

            MethodHandle update = c.loop("bench_update_backoff", 1, ADDRESS, ADDRESS, JAVA_LONG);
            MemorySegment updates = c.function("update_backoff");
            compare("`updateBackoff`", 20_000, times -> (long) update.invokeExact(updates, pm, native1, times), times -> {
                for (long i = 0; i < times; i++) {
                    peers.updateBackoff(address, Backoff.INCREASE);
                }
                return 0;
            });

            MethodHandle random = c.loop("bench_load_random_peers", 1, ADDRESS, JAVA_LONG, JAVA_LONG);
            MemorySegment draws = c.function("load_random_peers");
            Query query = Query.all();
            compare("`loadRandomPeers(50)`", 1_000, times -> (long) random.invokeExact(draws, pm, 50L, times), times -> {
                long failed = 0;
                for (long i = 0; i < times; i++) {
                    failed += peers.loadRandomPeers(50, query).size() == 50 ? 0 : 1;
                }
                return failed;
            });

            MethodHandle snapshot = c.loop("bench_snapshot", 4, ADDRESS, JAVA_LONG);
            MemorySegment take = c.function("get_all_peers");
            MemorySegment count = c.function("snapshot_count");
            MemorySegment get = c.function("snapshot_get");
            MemorySegment done = c.function("snapshot_free");
            compare("a snapshot, all 10,000 read", 2,
                    times -> (long) snapshot.invokeExact(take, count, get, done, pm, times), times -> {
                        long failed = 0;
                        for (long i = 0; i < times; i++) {
                            try (Snapshot all = peers.getAllPeers()) {
                                failed += all.stream().filter(record -> record.numFailures() >= 0).count() == PEERS ? 0 : 1;
                            }
                        }
                        return failed;
                    });
        }
    }

    private static void fill(PeerManager peers) {
        List<PeerAddress> addresses = new ArrayList<>();
        for (int i = 0; i < PEERS; i++) {
            addresses.add(PeerAddress.of("11." + i / 256 / 256 + "." + i / 256 + "." + i % 256, 8333));
        }
        addresses.set(0, PeerAddress.parse("11.0.7.1:8333"));
        peers.ensureExistsMany(addresses);
        while (peers.peerCount() < PEERS) {
            peers.ensureExists(PeerAddress.of("12.0.0.1", (int) (1 + peers.peerCount() % 60_000)));
        }
    }

    private static void compare(String what, long times, Loop c, Loop java) throws Throwable {
        double[] cs = new double[ROUNDS];
        double[] javas = new double[ROUNDS];
        for (int round = -WARM_UP; round < ROUNDS; round++) {
            double inC = nanoseconds(times, c);
            double inJava = nanoseconds(times, java);
            if (round >= 0) {
                cs[round] = inC;
                javas[round] = inJava;
            }
        }
        Arrays.sort(cs);
        Arrays.sort(javas);
        // The quickest round is the one that was disturbed least.
        System.out.printf(Locale.ROOT, "| %s | %s (median %s) | %s (median %s) | %s | %.1f |%n", what, text(cs[0]),
                text(cs[ROUNDS / 2]), text(javas[0]), text(javas[ROUNDS / 2]), text(javas[0] - cs[0]), javas[0] / cs[0]);
    }

    private static String text(double nanoseconds) {
        return String.format(Locale.ROOT, "%.2f µs", nanoseconds / 1000);
    }

    private static double nanoseconds(long times, Loop loop) throws Throwable {
        long start = System.nanoTime();
        long failed = loop.run(times);
        long end = System.nanoTime();
        if (failed != 0) {
            throw new AssertionError(failed + " calls failed");
        }
        return (end - start) / (double) times;
    }

    /** The loops in C, and the functions that they call. */
    private record C(SymbolLookup loops) {
        @SuppressWarnings("restricted")
        C(Path file, Arena arena) {
            this(SymbolLookup.libraryLookup(file, arena));
        }

        /** A loop that takes so many functions and the table, and then these. */
        @SuppressWarnings("restricted")
        MethodHandle loop(String name, int functions, MemoryLayout... rest) {
            MemoryLayout[] parameters = new MemoryLayout[functions + rest.length];
            Arrays.fill(parameters, ADDRESS);
            System.arraycopy(rest, 0, parameters, functions, rest.length);
            return Linker.nativeLinker().downcallHandle(
                    loops.find(name).orElseThrow(), FunctionDescriptor.of(JAVA_LONG, parameters));
        }

        MemorySegment function(String name) {
            return Library.symbols().orElseThrow().find("peer_manager_" + name).orElseThrow();
        }
    }
}
