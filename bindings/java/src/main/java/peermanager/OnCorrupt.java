package peermanager;

/** What to do with a damaged file. */
public enum OnCorrupt {
    /** It is refused with {@link CorruptException}, and left as it is. The default. */
    FAIL(0),

    /**
     * It is set aside: {@code .damaged-} and the time are added to its name. The peers that can be read from it are put
     * into a new file, and the table opens; {@link PeerManager#getQuarantine} returns what happened. Nothing is deleted, but the
     * new file has no bans.
     */
    QUARANTINE(1);

    private final int value;

    OnCorrupt(int value) {
        this.value = value;
    }

    /** The number that the library has for it. */
    int value() {
        return value;
    }
}
