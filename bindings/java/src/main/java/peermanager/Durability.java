package peermanager;

/** When a change is in the file. */
public enum Durability {
    /** A call returns after its transaction is committed: the change survives a crash of the process. The default. */
    COMMIT(0),

    /** A call returns after its transaction is committed and fsynced: the change survives a loss of power. */
    SYNC(1),

    /**
     * A change is applied to memory, and a background thread commits what has changed, in groups, at most
     * {@link Options#withFlushInterval} later. A call that changes peers never waits for the disk then and never fails because of
     * it; {@link PeerManager#flush} waits until everything is in the file, and reports failure. A crash of the process loses
     * what was not committed.
     */
    DEFERRED(2);

    private static final Durability[] ALL = values();

    static Durability of(int value) {
        if (value < 0 || value >= ALL.length) {
            throw new UnsupportedException("the library knows a durability that this binding does not: " + value, 0);
        }
        return ALL[value];
    }

    private final int value;

    Durability(int value) {
        this.value = value;
    }

    /** The number that the library has for it. */
    int value() {
        return value;
    }
}
