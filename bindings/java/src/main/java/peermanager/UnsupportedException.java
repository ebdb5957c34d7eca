package peermanager;

/** This version, or this build, does not do that. */
public final class UnsupportedException extends PeerManagerException {
    private static final long serialVersionUID = 1;

    UnsupportedException(String message, int sqliteCode) {
        super(Status.UNSUPPORTED, message, sqliteCode);
    }
}
