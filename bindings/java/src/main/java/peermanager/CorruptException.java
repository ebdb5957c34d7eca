package peermanager;

/** The file is damaged or not a database, or its table "peers" is not a table of peers. */
public final class CorruptException extends PeerManagerException {
    private static final long serialVersionUID = 1;

    CorruptException(String message, int sqliteCode) {
        super(Status.CORRUPT, message, sqliteCode);
    }
}
