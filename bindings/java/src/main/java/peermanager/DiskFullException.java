package peermanager;

/** No space left for the database. The same call succeeds once there is. */
public final class DiskFullException extends PeerManagerException {
    private static final long serialVersionUID = 1;

    DiskFullException(String message, int sqliteCode) {
        super(Status.DISK_FULL, message, sqliteCode);
    }
}
