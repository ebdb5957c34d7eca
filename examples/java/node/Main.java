package node;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import peermanager.Options;
import peermanager.PeerManager;
import peermanager.PeerManagerException;
import peermanager.PeerRecord;
import peermanager.Snapshot;
import peermanager.Stats;

/**
 * A node in miniature: it reads a list of addresses, lives through a day with them, closes its database, opens it again and checks
 * that everything is still there. The clock and the network are simulated and the seed is fixed: with one version of the library it
 * prints the same each time. No host is contacted, and what happens says nothing about the hosts that bear these names.
 */
public final class Main {
    private static final String USAGE = """
            usage: node [--import FILE] [--export FILE] [--metrics] LIST
                   node [--import FILE] [--export FILE] [--metrics] [--database DATABASE]

            The first lives a simulated day with the addresses of LIST. The second lives no day.
              --import FILE        adds the addresses of a file; before the day, if there is one
              --export FILE        writes the addresses of all peers to a file; after the day
              --metrics            prints the counts as Prometheus reads them
              --database DATABASE  where the peers are kept; a day has a database of its own
              --help, -h           prints this""";
    private static final String LEGEND = """

            known, due        peers in the table; those of them that may be dialled now
            answered, failed  how the dials of the hour went
            feelers           those of them that only try whether a peer is there
            heard, shared     addresses that peers sent and that were new; addresses sent to peers
            connected         of 8 places for connections, those that are taken

             hour    known      due   answered   failed  feelers    heard   shared   connected""";
    private static final Duration TURN = Duration.ofMinutes(2);
    private static final int PURGE_HOUR = 20; // in the evening those that failed too often are removed

    private Optional<Path> list = Optional.empty();
    private Optional<Path> imported = Optional.empty();
    private Optional<Path> exported = Optional.empty();
    private Optional<Path> database = Optional.empty();
    private boolean hasMetrics;
    private boolean isHelp;

    private Main() {}

    /**
     * Runs the node.
     *
     * @param arguments see the usage
     */
    public static void main(String[] arguments) {
        Main wanted = new Main();
        try {
            wanted.parse(List.of(arguments));
        } catch (IllegalArgumentException error) {
            System.err.println("node: " + error.getMessage() + "\n" + USAGE);
            System.exit(2);
        }
        if (wanted.isHelp) {
            System.out.println(USAGE);
            return;
        }
        try {
            wanted.run();
        } catch (IOException | PeerManagerException error) {
            System.err.println("node: " + error.getMessage());
            System.exit(1);
        }
    }

    private void parse(List<String> words) {
        for (int i = 0; i < words.size(); i++) {
            String word = words.get(i);
            if (word.equals("--help") || word.equals("-h")) {
                isHelp = true;
                return;
            } else if (word.equals("--metrics")) {
                hasMetrics = true;
            } else if (!word.startsWith("-")) {
                require(list.isEmpty(), "there is more than one list");
                list = Optional.of(path(word));
            } else {
                require(List.of("--import", "--export", "--database").contains(word), "there is no option " + word);
                require(i + 1 < words.size(), word + " needs a file");
                Optional<Path> file = Optional.of(path(words.get(++i)));
                switch (word) {
                    case "--import" -> imported = file;
                    case "--export" -> exported = file;
                    default -> database = file;
                }
            }
        }
        boolean isAsked = list.isPresent() || imported.isPresent() || exported.isPresent() || hasMetrics;
        require(isAsked, "there is nothing to do");
        require(list.isEmpty() || database.isEmpty(), "a day has a database of its own");
    }

    private static Path path(String word) {
        try {
            return Path.of(word);
        } catch (InvalidPathException error) {
            throw new IllegalArgumentException("not a path: " + error.getMessage());
        }
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }

    private void run() throws IOException {
        if (list.isPresent()) {
            live(list.get());
            return;
        }
        try (PeerManager peers = PeerManager.open(database.map(Options::file).orElse(Options.inMemory()))) {
            before(peers);
            after(peers);
        }
    }

    private void before(PeerManager peers) throws IOException {
        if (imported.isPresent()) {
            Lists.read(peers, imported.get(), 0, System.err);
        }
    }

    private void after(PeerManager peers) throws IOException {
        if (exported.isPresent()) {
            Lists.write(peers, exported.get());
        }
        if (hasMetrics) {
            System.out.print(Metrics.of(peers.getStats()));
        }
    }

    /** A day, and the morning after. */
    private void live(Path list) throws IOException {
        System.out.println("A node in miniature: clock and network are simulated, so no packet is sent");
        System.out.println(PeerManager.buildInfo());
        Path directory = Files.createTempDirectory("peer_manager-node-");
        try {
            World world = new World();
            Path file = directory.resolve("peers.db");
            try (Snapshot before = firstLife(list, file, world)) {
                printExtremes(before, world.instant());
                secondLife(file, before);
            }
            System.out.println("\nNext: bindings/java/README.md has a node of one page; docs/getting-started.md has the reasons.");
        } finally {
            try (Stream<Path> left = Files.walk(directory)) {
                for (Path path : left.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }

    private Snapshot firstLife(Path list, Path file, World world) throws IOException {
        // A real node leaves clock and seed alone: who guesses the seed can guess whom it dials.
        try (PeerManager peers = PeerManager.open(Options.file(file).withRngSeed(42).withClock(world))) {
            peers.setOnline(false); // until two connections stand
            Lists.Imported done = Lists.read(peers, list, 2, System.err);
            System.out.printf("%d addresses read, %d new; %d lines skipped%n", done.read(), done.added(), done.bad());
            before(peers);
            day(peers, world);
            after(peers);
            return peers.getAllPeers();
        }
    }

    private static void day(PeerManager peers, World world) {
        Node node = new Node(peers, world);
        Node.Counts day = new Node.Counts();
        System.out.println(LEGEND);
        for (int hour = 0; hour < 24; hour++) {
            if (hour == PURGE_HOUR) {
                // A day is too short for REALLY_DEAD, with which a real node removes peers.
                long removed = peers.removePeersWithManyFailures(PeerManager.MAX_FAILURES);
                System.out.printf("       %d removed that failed too often%n", removed);
            }
            Instant end = World.MORNING.plus(Duration.ofHours(hour + 1));
            for (Instant now = end.minus(Duration.ofHours(1)); now.isBefore(end); now = now.plus(TURN)) {
                world.set(now);
                node.turn();
            }
            if (world.isDown()) {
                System.out.println("       the line is down");
            }
            Stats stats = peers.getStats();
            Node.Counts counts = node.endHour();
            System.out.printf(Locale.ROOT, "%02d:00 %8d %8d %10d %8d %8d %8d %8d   %d of %d%n", hour, stats.peers(), stats.ready(),
                    counts.answered, counts.failed, counts.feelers, counts.heard, counts.shared, node.connected(), Node.SLOTS);
            day.add(counts);
        }
        remark(day, peers.getStats().forgivenFailures());
    }

    /** What the hours show, in words. */
    private static void remark(Node.Counts day, long forgiven) {
        if (day.hasNothingOfSomething()) {
            throw new IllegalStateException("a whole day without something");
        }
        if (forgiven == 0) {
            throw new IllegalStateException("the hour without a line counted against the peers");
        }
        System.out.printf(Locale.ROOT, """

                Look at 13:00: the line was down, and every dial failed. The node had said that it was offline, so failures
                did not count: %d of this day, which made no peer wait for longer than a minute.
                %d addresses were shared: none private, none the asker's own.
                """, forgiven, day.shared);
    }

    private static void printExtremes(Snapshot peers, Instant now) {
        System.out.println("""

                Back-off at work: after n failures in a row a peer waits for up to 10 * 2^n seconds, and at most 10240.
                The three best peers, and the three worst:""");
        Comparator<PeerRecord> order = Comparator.comparingLong(PeerRecord::numFailures)
                .thenComparing(PeerRecord::peerType, Comparator.reverseOrder())
                .thenComparing(record -> record.address().toString());
        List<PeerRecord> records = peers.stream().sorted(order).toList();
        Stream.concat(records.stream().limit(3), records.stream().skip(Math.max(3, records.size() - 3)))
                .forEach(record -> System.out.printf("  %-9s %2d failures, wait %5d s  %s%n", record.peerType(),
                        record.numFailures(), Math.max(0, Duration.between(now, record.nextAttempt()).toSeconds()),
                        record.address()));
    }

    private static void secondLife(Path file, Snapshot before) {
        try (PeerManager peers = PeerManager.open(file); Snapshot after = peers.getAllPeers()) {
            Comparator<PeerRecord> order = Comparator.comparing(PeerRecord::address);
            if (!after.stream().sorted(order).toList().equals(before.stream().sorted(order).toList())) {
                throw new IllegalStateException("the peers that came back are not those that went in");
            }
            System.out.printf("%nClosed and opened again: all %d peers came back as they were.%n", peers.peerCount());
        }
    }
}
