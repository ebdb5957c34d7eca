package peermanager;

/** A host or a port that is not an address, or a prefix that is none. */
public final class InvalidAddressException extends PeerManagerException {
    private static final long serialVersionUID = 1;

    InvalidAddressException(String message, int sqliteCode) {
        super(Status.INVALID_ADDRESS, message, sqliteCode);
    }
}
