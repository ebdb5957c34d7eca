package peermanager;

/** What a dial is for. */
public enum Purpose {
    /** A connection that is to stay. */
    CONNECT(0),

    /** A connection that finds out whether a peer that was only heard of can be reached, and is hung up. */
    FEELER(1);

    private final int value;

    Purpose(int value) {
        this.value = value;
    }

    /** The number that the library has for it. */
    int value() {
        return value;
    }
}
