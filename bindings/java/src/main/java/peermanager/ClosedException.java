package peermanager;

/** A peer manager or a snapshot was used after it was closed. */
public final class ClosedException extends InvalidArgumentException {
    private static final long serialVersionUID = 1;

    ClosedException(String what) {
        super("cannot use the " + what + ": it is closed; open another");
    }
}
