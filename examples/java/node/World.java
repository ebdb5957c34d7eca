package node;

import java.nio.charset.StandardCharsets;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.temporal.ChronoField;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import peermanager.PeerAddress;

/** The network that is made up, and its time. The same questions have the same answers in every run. */
final class World implements InstantSource {
    static final Instant MORNING = Instant.parse("2026-01-01T00:00:00Z");

    private Instant now = MORNING;

    @Override
    public Instant instant() {
        return now;
    }

    void set(Instant now) {
        this.now = now;
    }

    boolean answers(PeerAddress peer) {
        if (isDown() || peer.isPrivate() || number("dead", peer) % 100 < 12) {
            return false;
        }
        long reliability = 40 + number("reliability", peer) % 60;
        return number("answers", peer, now) % 100 < reliability;
    }

    /** The node's own line is cut for an hour after lunch. All peers seem dead then, and none is to blame. */
    boolean isDown() {
        return now.atZone(ZoneOffset.UTC).get(ChronoField.HOUR_OF_DAY) == 13;
    }

    Instant connectionEnds(PeerAddress peer) {
        return now.plus(Duration.ofMinutes(30)).plusSeconds(number("length", peer, now) % (4 * 3600));
    }

    /** What a peer sends: addresses of the networks for examples, and private ones, because nodes do that. */
    List<PeerAddress> gossip(PeerAddress teller) {
        long number = number("gossip", teller, now);
        long host = number / 8 % 40 + 1;
        String network = List.of("198.51.100.", "203.0.113.", "2001:db8::", "192.168.1.").get((int) (number % 4));
        return List.of(
                PeerAddress.of(network + host, Lists.DEFAULT_PORT),
                PeerAddress.of("198.51.100." + (host + 100), Lists.DEFAULT_PORT));
    }

    private static long number(Object... question) {
        String text = Arrays.stream(question).map(Object::toString).collect(Collectors.joining(" "));
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return ByteBuffer.wrap(digest).getLong() >>> 1;
        } catch (NoSuchAlgorithmException error) {
            throw new AssertionError("every JVM has SHA-256", error);
        }
    }
}
