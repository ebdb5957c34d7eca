package peermanager;

/** Why a call failed. */
public enum Status {
    /** {@link InvalidArgumentException}. */
    INVALID_ARGUMENT(1),

    /** {@link InvalidAddressException}. */
    INVALID_ADDRESS(2),

    /** {@link NotFoundException}. */
    NOT_FOUND(3),

    /** {@link DatabaseException}. */
    DATABASE(4),

    /** {@link CorruptException}. */
    CORRUPT(5),

    /** {@link BusyException}. */
    BUSY(6),

    /** {@link DiskFullException}. */
    DISK_FULL(7),

    /** {@link LimitException}. */
    LIMIT(8),

    /** {@link UnsupportedException}. */
    UNSUPPORTED(9),

    /** {@link InternalException}. */
    INTERNAL(10),

    /** {@link RefusedException}. */
    REFUSED(11),

    /** {@link NoMemoryException}. */
    NO_MEMORY(12),

    /** A status of a library that is newer than this binding. */
    UNKNOWN(-1);

    private static final Status[] ALL = values();

    private final int value;

    Status(int value) {
        this.value = value;
    }

    /**
     * The number that the library has for it.
     *
     * @return the number; -1 for {@link #UNKNOWN}
     */
    public int value() {
        return value;
    }

    /**
     * Names a status of the library that is loaded, for logs.
     *
     * @param value any number
     * @return text such as {@code NOT_FOUND}; {@code UNKNOWN} for a number that is no status
     * @throws UnsatisfiedLinkError if the library cannot be loaded
     */
    public static String nameOf(int value) {
        return PeerManager.text(Native.statusName(value));
    }

    static Status of(int value) {
        return value >= 1 && value < ALL.length ? ALL[value - 1] : UNKNOWN;
    }
}
