package peermanager;

/** There is not enough memory, and nothing was done. */
public final class NoMemoryException extends PeerManagerException {
    private static final long serialVersionUID = 1;

    NoMemoryException(String message, int sqliteCode) {
        super(Status.NO_MEMORY, message, sqliteCode);
    }
}
