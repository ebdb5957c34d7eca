package peermanager;

import java.nio.file.Path;
import java.util.Objects;

/**
 * What happened to a damaged file that was set aside: {@link OnCorrupt#QUARANTINE}.
 *
 * @param path where the damaged file is now
 * @param saved how many peers were read from it and are in the new file
 * @param lost how many rows could not be read, of those that left any trace
 */
public record Quarantine(Path path, long saved, long lost) {
    /** Refuses null. */
    public Quarantine {
        Objects.requireNonNull(path, "path");
    }
}
