package peermanager;

/** An argument that can never be right. */
public sealed class InvalidArgumentException extends PeerManagerException permits ClosedException {
    private static final long serialVersionUID = 1;

    InvalidArgumentException(String message, int sqliteCode) {
        super(Status.INVALID_ARGUMENT, message, sqliteCode);
    }

    InvalidArgumentException(String message) {
        this(message, 0);
    }
}
