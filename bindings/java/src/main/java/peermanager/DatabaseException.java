package peermanager;

/** SQLite failed for a reason without a status of its own; {@link #sqliteCode} says which. */
public final class DatabaseException extends PeerManagerException {
    private static final long serialVersionUID = 1;

    DatabaseException(String message, int sqliteCode) {
        super(Status.DATABASE, message, sqliteCode);
    }
}
