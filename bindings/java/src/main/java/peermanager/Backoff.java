package peermanager;

/** How an attempt to reach a peer went, and so how long the peer waits before the next one. */
public enum Backoff {
    /** Reset the failures to 0 and make the peer due now: for a peer that the operator wants dialled at once. */
    HARD_RESET(0),

    /** Reset the failures to 0 and wait for 1 to 10 seconds: what to do after a successful dial. */
    RESET(1),

    /**
     * Count one more failure, which makes n, and wait for a random time from 1 to 10 * 2^min(n, 10) seconds: what to do
     * after a failed dial.
     */
    INCREASE(2);

    private final int value;

    Backoff(int value) {
        this.value = value;
    }

    /** The number that the library has for it. */
    int value() {
        return value;
    }
}
