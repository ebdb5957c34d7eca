package peermanager;

/** The database stayed locked by another connection past {@link Options#withBusyTimeout}. The same call may succeed later. */
public final class BusyException extends PeerManagerException {
    private static final long serialVersionUID = 1;

    BusyException(String message, int sqliteCode) {
        super(Status.BUSY, message, sqliteCode);
    }
}
