package peermanager;

import java.time.Instant;
import java.util.Objects;

/**
 * All that is known of one peer.
 *
 * @param address where it listens
 * @param nextAttempt when it may be dialled next, to the second
 * @param numFailures failures since the last success, 0 to 4294967295
 * @param peerType what it is to this node
 */
public record PeerRecord(PeerAddress address, Instant nextAttempt, long numFailures, PeerType peerType) {
    /**
     * Cuts the time to the second.
     *
     * @throws InvalidArgumentException for a number of failures that is out of range
     */
    public PeerRecord {
        Objects.requireNonNull(address, "address");
        Objects.requireNonNull(nextAttempt, "nextAttempt");
        Objects.requireNonNull(peerType, "peerType");
        Checks.unsignedInt(numFailures, "numFailures");
        if (nextAttempt.getNano() != 0) {
            nextAttempt = Times.toInstant(Times.toSeconds(nextAttempt));
        }
    }

    /**
     * Makes the record of a peer that was just heard of: inbound, no failures, due at this time.
     *
     * @param address where it listens
     * @param now the time
     * @return the record
     */
    public static PeerRecord of(PeerAddress address, Instant now) {
        return new PeerRecord(address, now, 0, PeerType.INBOUND);
    }

    /**
     * Returns whether the peer's next attempt is due.
     *
     * @param now the time
     * @return whether {@code nextAttempt} is not later
     */
    public boolean isReady(Instant now) {
        return !nextAttempt.isAfter(now);
    }

    /**
     * Returns a record that differs in the time of the next attempt.
     *
     * @param nextAttempt when the peer may be dialled next
     * @return the record
     */
    public PeerRecord withNextAttempt(Instant nextAttempt) {
        return new PeerRecord(address, nextAttempt, numFailures, peerType);
    }

    /**
     * Returns a record that differs in the failures.
     *
     * @param numFailures failures since the last success
     * @return the record
     */
    public PeerRecord withNumFailures(long numFailures) {
        return new PeerRecord(address, nextAttempt, numFailures, peerType);
    }

    /**
     * Returns a record that differs in the type.
     *
     * @param peerType what the peer is to this node
     * @return the record
     */
    public PeerRecord withPeerType(PeerType peerType) {
        return new PeerRecord(address, nextAttempt, numFailures, peerType);
    }
}
