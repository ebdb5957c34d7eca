package peermanager;

/** What a peer is to this node. */
public enum PeerType {
    /** Known from an incoming connection or from gossip: never dialled successfully yet. */
    INBOUND(0),

    /** Dialled successfully at least once. */
    OUTBOUND(1),

    /** Chosen by the operator. */
    PREFERRED(2);

    private static final PeerType[] ALL = values();

    static PeerType of(int value) {
        if (value < 0 || value >= ALL.length) {
            throw new UnsupportedException("the library knows a type of peers that this binding does not: " + value, 0);
        }
        return ALL[value];
    }

    private final int value;

    PeerType(int value) {
        this.value = value;
    }

    /** The number that the library has for it. */
    int value() {
        return value;
    }
}
