package golden;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import peermanager.Ban;
import peermanager.History;
import peermanager.Network;
import peermanager.Options;
import peermanager.PeerAddress;
import peermanager.PeerRecord;
import peermanager.PeerType;
import peermanager.Query;
import peermanager.Reach;
import peermanager.TypeFilter;

/** The words of a line of a script, taken one after the other, and how values are printed. */
final class Words {
    private static final int DEFAULT_PORT = 11625; // of an address that has none
    private static final String NOTHING = "-";

    private final List<String> words;
    private int at;

    Words(List<String> words) {
        this.words = words;
    }

    boolean isLeft() {
        return at < words.size();
    }

    String next() {
        return words.get(at++);
    }

    /** All words that are left, as they stand. */
    String rest() {
        String rest = String.join(" ", words.subList(at, words.size()));
        at = words.size();
        return rest;
    }

    /** Takes a word if it stands for what is left out. */
    boolean isNothing() {
        boolean isNothing = words.get(at).equals(NOTHING);
        if (isNothing) {
            at++;
        }
        return isNothing;
    }

    /** The parts of a word that has commas. */
    Words parts() {
        return new Words(List.of(next().split(",")));
    }

    long number() {
        return Long.parseLong(next());
    }

    boolean truth() {
        return truth(next());
    }

    private static boolean truth(String word) {
        return switch (word) {
            case "0" -> false;
            case "1" -> true;
            default -> throw new IllegalArgumentException("neither 0 nor 1: " + word);
        };
    }

    Instant time() {
        return time(next());
    }

    /** The last of all seconds is for good. */
    private static Instant time(String word) {
        long seconds = Long.parseLong(word);
        return seconds == Long.MAX_VALUE ? Ban.FOR_GOOD : seconds > Instant.MAX.getEpochSecond() ? Instant.MAX
                : Instant.ofEpochSecond(seconds);
    }

    <E extends Enum<E>> E value(Class<E> type) {
        return Enum.valueOf(type, next());
    }

    PeerAddress address() {
        return PeerAddress.parse(next(), DEFAULT_PORT);
    }

    List<PeerAddress> addresses() {
        List<PeerAddress> addresses = new ArrayList<>();
        while (isLeft()) {
            addresses.add(address());
        }
        return addresses;
    }

    PeerRecord record() {
        return new PeerRecord(address(), time(), number(), value(PeerType.class));
    }

    byte[] data() {
        return isNothing() ? new byte[0] : HexFormat.of().parseHex(next());
    }

    /** Its first three words. */
    Query query() {
        Query query = Query.due().withTypeFilter(value(TypeFilter.class)).withUseNextAttempt(truth());
        return isNothing() ? query.withoutMaxNumFailures() : query.withMaxNumFailures(number());
    }

    Query queryWithFields() {
        return fields(query());
    }

    /** The words that are left: fields with names, and addresses to exclude. */
    Query fields(Query query) {
        Query with = query;
        List<PeerAddress> exclude = new ArrayList<>();
        while (isLeft()) {
            String[] parts = words.get(at).split("=", 2);
            if (parts.length == 1) {
                exclude.add(address());
                continue;
            }
            at++;
            with = switch (parts[0]) {
                case "seniority" -> with.withSeniority(Integer.parseInt(parts[1]));
                case "apart" -> with.withApart(truth(parts[1]));
                case "networks" -> with.withNetworks(networks(Integer.parseInt(parts[1])));
                case "max_per_netgroup" -> with.withMaxPerNetgroup(Integer.parseInt(parts[1]));
                case "share_key" -> with.withShareKey(Integer.parseInt(parts[1]));
                case "heard_since" -> with.withHeardSince(time(parts[1]));
                case "reached_since" -> with.withReachedSince(time(parts[1]));
                default -> throw new IllegalArgumentException("there is no field " + parts[0]);
            };
        }
        return with.withExclude(exclude);
    }

    /** The numbers of the header: 1, 2, 4, 8, 16. */
    private static Set<Network> networks(int sum) {
        Set<Network> networks = EnumSet.noneOf(Network.class);
        for (Network network : Network.values()) {
            if ((sum >> network.ordinal() & 1) == 1) {
                networks.add(network);
            }
        }
        return networks;
    }

    Options option(Options options) {
        String[] parts = next().split("=", 2);
        return switch (parts[0]) {
            case "max_peers" -> options.withMaxPeers(Long.parseLong(parts[1]));
            case "max_peers_per_netgroup" -> options.withMaxPeersPerNetgroup(Long.parseLong(parts[1]));
            case "share_cache_seconds" -> options.withShareCache(Duration.ofSeconds(Long.parseLong(parts[1])));
            case "share_max_percent" -> options.withShareMaxPercent(Integer.parseInt(parts[1]));
            case "reach" -> options.withReach(Reach.values()[Integer.parseInt(parts[1])]);
            case "name_groups" -> options.withNameGroups(truth(parts[1]));
            case "keep_history" -> options.withKeepHistory(truth(parts[1]));
            case "backoff_seconds" -> options.withBackoffUnit(Duration.ofSeconds(Long.parseLong(parts[1])));
            case "max_backoff_exponent" -> options.withMaxBackoffExponent(Integer.parseInt(parts[1]));
            default -> throw new IllegalArgumentException("there is no option " + parts[0]);
        };
    }

    static String text(PeerRecord record) {
        return record.address() + " " + text(record.nextAttempt()) + " " + record.numFailures() + " " + record.peerType();
    }

    static String text(History history) {
        return Stream.of(history.firstHeard(), history.lastHeard(), history.firstReached(), history.lastReached(),
                        history.lastAttempt())
                .map(time -> Long.toString(time.map(Instant::getEpochSecond).orElse(0L)))
                .reduce((a, b) -> a + " " + b).orElseThrow();
    }

    static String text(byte[] data) {
        return data.length == 0 ? NOTHING : HexFormat.of().formatHex(data);
    }

    static String text(Ban ban) {
        return ban.subject() + " " + text(ban.until());
    }

    private static String text(Instant time) {
        return Long.toString(time.equals(Instant.MAX) ? Long.MAX_VALUE : time.getEpochSecond());
    }

    /** Sorted as bytes. */
    static List<String> sorted(Stream<String> lines) {
        return lines.sorted((a, b) -> Arrays.compareUnsigned(
                a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8))).toList();
    }
}
