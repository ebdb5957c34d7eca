package golden;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import peermanager.Backoff;
import peermanager.Durability;
import peermanager.Options;
import peermanager.PeerAddress;
import peermanager.PeerManager;
import peermanager.PeerManagerException;
import peermanager.PeerRecord;
import peermanager.PeerType;
import peermanager.Purpose;
import peermanager.Query;
import peermanager.Snapshot;
import peermanager.Stats;
import peermanager.Status;

/** One run of a script. */
final class Player implements AutoCloseable {
    private static final List<String> NOTHING = List.of();

    private final Path directory;
    private int files = 1;
    private Instant now = Instant.EPOCH;
    private PeerManager peers = PeerManager.inMemory();

    Player(Path directory) {
        this.directory = directory;
    }

    @Override
    public void close() {
        peers.close();
    }

    /** What a line prints. */
    List<String> play(String line) {
        try {
            return perform(new Words(List.of(line.split(" "))));
        } catch (PeerManagerException error) {
            return List.of("error " + error.status() + ": " + error.getMessage());
        }
    }

    private List<String> perform(Words words) {
        String operation = words.next();
        return switch (operation) {
            case "clock" -> nothing(() -> now = words.time());
            case "sorted" -> Words.sorted(perform(words).stream());
            case "new_file" -> nothing(() -> files++);
            case "open" -> nothing(() -> open(words));
            case "close" -> nothing(peers::close);
            case "peer_count" -> List.of(Long.toString(peers.peerCount()));
            case "get_stats" -> stats();
            case "stat" -> List.of(stat(peers.getStats(), words.next()));
            case "address" -> {
                PeerAddress parsed = PeerAddress.parse(words.rest());
                yield List.of(parsed + (parsed.isPrivate() ? " private" : " public"));
            }
            case "flush" -> nothing(peers::flush);
            case "next_due" -> List.of(peers.nextDue().map(due -> Long.toString(due.getEpochSecond()))
                    .orElse("error NOT_FOUND: no peer waits: all that there are can be dialled now"));
            case "load", "load_history", "get_data", "get_all_peers", "get_all_histories", "get_all_data", "get_bans", "is_banned",
                    "same_netgroup" -> look(operation, words);
            case "load_random_peers", "get_peers_to_send", "next_to_dial" -> choose(operation, words);
            default -> change(operation, words);
        };
    }

    private static List<String> nothing(Runnable call) {
        call.run();
        return NOTHING;
    }

    private void open(Words words) {
        boolean isFile = words.next().equals("file");
        Durability durability = isFile ? words.value(Durability.class) : Durability.COMMIT;
        Options options = isFile ? Options.file(directory.resolve("peers-" + files + ".db")) : Options.inMemory();
        options = options.withDurability(durability).withRngSeed(Long.parseUnsignedLong(words.next())).withClock(() -> now);
        while (words.isLeft()) {
            options = words.option(options);
        }
        peers.close();
        peers = PeerManager.open(options);
    }

    private List<String> change(String operation, Words words) {
        return switch (operation) {
            case "ensure_exists" -> nothing(() -> peers.ensureExists(words.address()));
            case "ensure_exists_many" -> counted("inserted", peers.ensureExistsMany(words.addresses()));
            case "store" -> nothing(() -> peers.store(words.record()));
            case "store_many" -> {
                List<PeerRecord> records = new ArrayList<>();
                while (words.isLeft()) {
                    records.add(words.parts().record());
                }
                peers.storeMany(records);
                yield NOTHING;
            }
            case "update_type" -> nothing(() -> peers.updateType(words.address(), words.value(PeerType.class), words.truth()));
            case "update_backoff" -> nothing(() -> peers.updateBackoff(words.address(), words.value(Backoff.class)));
            case "update" -> nothing(() -> peers.update(
                    words.address(), words.value(PeerType.class), words.truth(), words.value(Backoff.class)));
            case "remove" -> nothing(() -> peers.remove(words.address()));
            case "remove_peers_with_many_failures" ->
                counted("removed", peers.removePeersWithManyFailures(words.number()));
            case "remove_peers_not_heard_since" -> counted("removed", peers.removePeersNotHeardSince(words.time()));
            case "remove_host" -> counted("removed", peers.removeHost(words.next()));
            case "clear_all" -> nothing(peers::clearAll);
            case "limit_next_attempt" -> counted("changed", peers.limitNextAttempt(words.time()));
            case "set_own_addresses" -> nothing(() -> peers.setOwnAddresses(words.addresses()));
            case "set_online" -> nothing(() -> peers.setOnline(words.truth()));
            case "ban" -> counted("removed", peers.ban(words.next(), words.time()));
            case "unban" -> nothing(() -> peers.unban(words.next()));
            case "set_data" -> nothing(() -> peers.setData(words.address(), words.data()));
            default -> throw new IllegalArgumentException("there is no operation " + operation);
        };
    }

    private static List<String> counted(String what, long count) {
        return List.of(what + " " + count);
    }

    private List<String> look(String operation, Words words) {
        return switch (operation) {
            case "load" -> found(words.address(), peers::load, Words::text);
            case "load_history" -> found(words.address(), peers::loadHistory, Words::text);
            case "get_data" -> found(words.address(), peers::getData, Words::text);
            case "get_all_peers" -> all((snapshot, i) -> Optional.of(Words.text(snapshot.get(i))));
            case "get_all_histories" ->
                all((snapshot, i) -> Optional.of(snapshot.get(i).address() + " " + Words.text(snapshot.history(i))));
            case "get_all_data" -> all((snapshot, i) -> Optional.of(snapshot.data(i)).filter(data -> data.length > 0)
                    .map(data -> snapshot.get(i).address() + " " + Words.text(data)));
            case "get_bans" -> Words.sorted(peers.bans().stream().map(Words::text));
            case "is_banned" -> List.of(Boolean.toString(peers.isBanned(words.address())));
            case "same_netgroup" ->
                List.of(Boolean.toString(peers.netgroup(words.address()) == peers.netgroup(words.address())));
            default -> throw new AssertionError(operation);
        };
    }

    /** Where the library has an error, there is an empty Optional here. */
    private static <T> List<String> found(
            PeerAddress address,
            Function<PeerAddress, Optional<T>> call,
            Function<T, String> print) {
        return List.of(call.apply(address).map(print)
                .orElseGet(() -> "error " + Status.NOT_FOUND + ": no peer " + address + " in the table"));
    }

    private List<String> all(BiFunction<Snapshot, Long, Optional<String>> line) {
        try (Snapshot snapshot = peers.getAllPeers()) {
            List<String> lines = new ArrayList<>();
            for (long i = 0; i < snapshot.size(); i++) {
                line.apply(snapshot, i).ifPresent(lines::add);
            }
            return Words.sorted(lines.stream());
        }
    }

    private List<String> choose(String operation, Words words) {
        List<PeerAddress> chosen = switch (operation) {
            case "load_random_peers" -> {
                Query query = words.query();
                int size = (int) words.number();
                yield peers.loadRandomPeers(size, words.fields(query));
            }
            case "get_peers_to_send" -> {
                Optional<Query> query = words.isNothing() ? Optional.empty() : Optional.of(words.parts().queryWithFields());
                Optional<PeerAddress> asker = words.isNothing() ? Optional.empty() : Optional.of(words.address());
                yield peers.getPeersToSend((int) words.number(), asker, query);
            }
            default -> {
                Purpose purpose = words.value(Purpose.class);
                int size = (int) words.number();
                yield peers.nextToDial(purpose, size, words.addresses());
            }
        };
        return chosen.stream().map(PeerAddress::toString).toList();
    }

    /** The stats of the first version. */
    private List<String> stats() {
        Stats stats = peers.getStats();
        return List.of("durability", "peers", "inbound", "outbound", "preferred", "ready", "netgroups", "pending_writes",
                        "failed_writes", "skipped_rows", "refused_peers")
                .stream().map(name -> name + " " + stat(stats, name)).toList();
    }

    private static String stat(Stats stats, String name) {
        long value = switch (name) {
            case "durability" -> stats.durability().ordinal();
            case "peers" -> stats.peers();
            case "inbound" -> stats.inbound();
            case "outbound" -> stats.outbound();
            case "preferred" -> stats.preferred();
            case "ready" -> stats.ready();
            case "netgroups" -> stats.netgroups();
            case "pending_writes" -> stats.pendingWrites();
            case "failed_writes" -> stats.failedWrites();
            case "skipped_rows" -> stats.skippedRows();
            case "refused_peers" -> stats.refusedPeers();
            case "bans" -> stats.bans();
            case "log_bytes" -> stats.logBytes();
            case "forgiven_failures" -> stats.forgivenFailures();
            case "rejected_rows" -> stats.rejectedRows();
            default -> throw new IllegalArgumentException("there is no count " + name);
        };
        return Long.toString(value);
    }
}
