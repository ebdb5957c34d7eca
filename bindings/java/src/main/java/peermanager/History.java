package peermanager;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * When a peer was heard of, reached and tried; empty for never, and for what is not known. A peer that was there before its
 * history was kept ({@link Options#withKeepHistory}) begins with nothing.
 *
 * @param firstHeard when the peer was inserted, or when something was noted of it first
 * @param lastHeard when it was last inserted or named by gossip, to the day: the true time may be up to a day later
 * @param firstReached when it was first reached: {@link Backoff#RESET} or {@link Backoff#HARD_RESET}
 * @param lastReached when it was last reached
 * @param lastAttempt when an attempt to reach it last failed: {@link Backoff#INCREASE}
 */
public record History(
        Optional<Instant> firstHeard,
        Optional<Instant> lastHeard,
        Optional<Instant> firstReached,
        Optional<Instant> lastReached,
        Optional<Instant> lastAttempt) {
    /** Refuses null. */
    public History {
        Objects.requireNonNull(firstHeard, "firstHeard");
        Objects.requireNonNull(lastHeard, "lastHeard");
        Objects.requireNonNull(firstReached, "firstReached");
        Objects.requireNonNull(lastReached, "lastReached");
        Objects.requireNonNull(lastAttempt, "lastAttempt");
    }
}
