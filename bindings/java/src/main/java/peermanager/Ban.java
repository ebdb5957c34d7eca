package peermanager;

import java.time.Instant;
import java.util.Objects;

/**
 * Who is refused, and until when.
 *
 * @param subject a host, or a prefix such as {@code 203.0.113.0/24}, in canonical form
 * @param until the first second at which it is over; {@link #FOR_GOOD}
 */
public record Ban(String subject, Instant until) {
    /** The end of a ban that has none. */
    public static final Instant FOR_GOOD = Instant.MAX;

    /** Refuses null. */
    public Ban {
        Objects.requireNonNull(subject, "subject");
        Objects.requireNonNull(until, "until");
    }
}
