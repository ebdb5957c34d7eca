package peermanager;

/** A configured bound refuses the peer: {@link Options#withMaxPeers}, {@link Options#withMaxPeersPerNetgroup}. */
public final class LimitException extends PeerManagerException {
    private static final long serialVersionUID = 1;

    LimitException(String message, int sqliteCode) {
        super(Status.LIMIT, message, sqliteCode);
    }
}
