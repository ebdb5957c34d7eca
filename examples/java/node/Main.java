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
            The second lives no day: it adds the addresses of a text file and writes those of all peers to one. With a list,
            it does the first before the day and the rest after it.""";
    private static final Duration TURN = Duration.ofMinutes(2);
    private static final int PURGE_HOUR = 20; // in the evening those that failed too often are forgotten

    private Optional<Path> list = Optional.empty();
    private Optional<Path> imported = Optional.empty();
    private Optional<Path> exported = Optional.empty();
    private Optional<Path> database = Optional.empty();
    private boolean hasMetrics;

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
            if (word.equals("--metrics")) {
                hasMetrics = true;
            } else if (!word.startsWith("--")) {
                require(list.isEmpty(), "there is more than one list");
                list = Optional.of(path(word));
            } else {
                require(i + 1 < words.size(), word + " needs a file");
                Optional<Path> file = Optional.of(path(words.get(++i)));
                switch (word) {
                    case "--import" -> imported = file;
                    case "--export" -> exported = file;
                    case "--database" -> database = file;
                    default -> throw new IllegalArgumentException("there is no option " + word);
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
        System.out.println(PeerManager.buildInfo());
        Path directory = Files.createTempDirectory("peer_manager-node-");
        try {
            World world = new World();
            Path file = directory.resolve("peers.db");
            try (Snapshot before = firstLife(list, file, world)) {
                printExtremes(before, world.instant());
                secondLife(file, before);
            }
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
        System.out.println("hour  dialled  failed  feelers  heard  shared  connected  known  ready");
        for (int hour = 0; hour < 24; hour++) {
            if (hour == PURGE_HOUR) {
                // A day is too short for REALLY_DEAD, with which a real node forgets.
                long removed = peers.removePeersWithManyFailures(PeerManager.MAX_FAILURES);
                System.out.printf("      %d forgotten that failed too often%n", removed);
            }
            Instant end = World.MORNING.plus(Duration.ofHours(hour + 1));
            for (Instant now = end.minus(Duration.ofHours(1)); now.isBefore(end); now = now.plus(TURN)) {
                world.set(now);
                node.turn();
            }
            if (hour % 3 == 2) {
                Stats stats = peers.getStats();
                System.out.printf(Locale.ROOT, "%4d  %7d  %6d  %7d  %5d  %6d  %9d  %5d  %5d%n", hour, node.counts.dialled,
                        node.counts.failed, node.counts.feelers, node.counts.heard, node.counts.shared, node.connected(),
                        stats.peers(), stats.ready());
            }
        }
        Node.Counts counts = node.counts;
        if (Math.min(Math.min(counts.dialled, counts.failed), Math.min(counts.heard, counts.shared)) == 0 || counts.feelers == 0) {
            throw new IllegalStateException("a whole day without something");
        }
        if (peers.getStats().forgivenFailures() == 0) {
            throw new IllegalStateException("the hour without a line counted against the peers");
        }
    }

    private static void printExtremes(Snapshot peers, Instant now) {
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
            System.out.printf("closed and opened again: all %d peers came back as they were%n", peers.peerCount());
        }
    }
}
