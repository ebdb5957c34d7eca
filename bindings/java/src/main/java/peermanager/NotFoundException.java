package peermanager;

/** No such peer, or no such ban. */
public final class NotFoundException extends PeerManagerException {
    private static final long serialVersionUID = 1;

    NotFoundException(String message, int sqliteCode) {
        super(Status.NOT_FOUND, message, sqliteCode);
    }
}
