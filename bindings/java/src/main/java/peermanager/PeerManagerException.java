package peermanager;

/**
 * A call failed and did nothing. The message is one line: what failed, on what, and what to do. There is a class for each
 * {@link Status}.
 */
public class PeerManagerException extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** Why the call failed. */
    private final Status status;

    /** SQLite's extended result code. */
    private final int sqliteCode;

    PeerManagerException(Status status, String message, int sqliteCode) {
        super(message);
        this.status = status;
        this.sqliteCode = sqliteCode;
    }

    /**
     * Returns why the call failed.
     *
     * @return the status; {@link Status#UNKNOWN} for one that only a newer library has
     */
    public Status status() {
        return status;
    }

    /**
     * Returns SQLite's extended result code.
     *
     * @return the code; 0 where SQLite was not involved
     */
    public int sqliteCode() {
        return sqliteCode;
    }

    static PeerManagerException of(int status, int sqliteCode, String message) {
        return switch (Status.of(status)) {
            case INVALID_ARGUMENT -> new InvalidArgumentException(message, sqliteCode);
            case INVALID_ADDRESS -> new InvalidAddressException(message, sqliteCode);
            case NOT_FOUND -> new NotFoundException(message, sqliteCode);
            case DATABASE -> new DatabaseException(message, sqliteCode);
            case CORRUPT -> new CorruptException(message, sqliteCode);
            case BUSY -> new BusyException(message, sqliteCode);
            case DISK_FULL -> new DiskFullException(message, sqliteCode);
            case LIMIT -> new LimitException(message, sqliteCode);
            case UNSUPPORTED -> new UnsupportedException(message, sqliteCode);
            case INTERNAL -> new InternalException(message, sqliteCode);
            case REFUSED -> new RefusedException(message, sqliteCode);
            case NO_MEMORY -> new NoMemoryException(message, sqliteCode);
            case UNKNOWN -> new PeerManagerException(Status.UNKNOWN, "status " + status + ": " + message, sqliteCode);
        };
    }
}
