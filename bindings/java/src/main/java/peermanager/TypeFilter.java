package peermanager;

/** Which types of peers a {@link Query} admits. */
public enum TypeFilter {
    /** Inbound peers only. */
    INBOUND_ONLY(0),

    /** Outbound peers only. */
    OUTBOUND_ONLY(1),

    /** Preferred peers only. */
    PREFERRED_ONLY(2),

    /** Outbound and preferred peers. */
    ANY_OUTBOUND(3),

    /** Every peer. */
    ANY(4),

    /** Inbound and outbound peers: to tell strangers nothing of the operator's own peers. */
    NOT_PREFERRED(5);

    private final int value;

    TypeFilter(int value) {
        this.value = value;
    }

    /** The number that the library has for it. */
    int value() {
        return value;
    }
}
