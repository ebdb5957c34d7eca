package peermanager;

import java.nio.file.FileSystems;
import java.nio.file.Path;

/** Refuses what the library would not see: numbers that C would truncate, text that C would cut short. */
final class Checks {
    private static final long UNSIGNED_INT_MAX = 0xFFFF_FFFFL;

    private Checks() {}

    /** A number for uint32_t. */
    static int unsignedInt(long value, String name) {
        if (value < 0 || value > UNSIGNED_INT_MAX) {
            throw new InvalidArgumentException(name + " is " + value + "; give 0 to " + UNSIGNED_INT_MAX);
        }
        return (int) value;
    }

    /** A number for uint64_t or size_t. */
    static long notNegative(long value, String name) {
        if (value < 0) {
            throw new InvalidArgumentException(name + " is " + value + "; give 0 or more");
        }
        return value;
    }

    /** A port, also 0, which the library judges. */
    static char port(int port, String name) {
        if (port < 0 || port > 65_535) {
            throw new InvalidArgumentException(name + " is " + port + "; give 1 to 65535");
        }
        return (char) port;
    }

    /** Text for C, which ends at a NUL. */
    static String text(String text, String name) {
        if (text.indexOf('\0') >= 0) {
            throw new InvalidArgumentException(name + " has a NUL in it");
        }
        return text;
    }

    /** A path of the system, not one within an archive or in memory. */
    static String path(Path path, String name) {
        if (path.getFileSystem() != FileSystems.getDefault()) {
            throw new InvalidArgumentException(name + " is not a path of the default file system: " + path);
        }
        return text(path.toString(), name);
    }
}
