package peermanager;

/** A bug in the library. Every later call on that peer manager throws this, too; close it. */
public final class InternalException extends PeerManagerException {
    private static final long serialVersionUID = 1;

    InternalException(String message, int sqliteCode) {
        super(Status.INTERNAL, message, sqliteCode);
    }
}
