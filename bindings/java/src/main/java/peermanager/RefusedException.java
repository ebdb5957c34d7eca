package peermanager;

/**
 * A policy refuses the address: it is banned ({@link PeerManager#ban}), one of the node's own
 * ({@link PeerManager#setOwnAddresses}), or not one that {@link Reach#PUBLIC} admits.
 */
public final class RefusedException extends PeerManagerException {
    private static final long serialVersionUID = 1;

    RefusedException(String message, int sqliteCode) {
        super(Status.REFUSED, message, sqliteCode);
    }
}
