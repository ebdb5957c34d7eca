package peermanager;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** Times of the library, whole seconds since the epoch in 64 bits, of which an Instant holds only a part. */
final class Times {
    private static final long LAST = Instant.MAX.getEpochSecond();
    private static final long FIRST = Instant.MIN.getEpochSecond();
    private static final long UNSIGNED_INT_MAX = 0xFFFF_FFFFL;

    private Times() {}

    static Instant toInstant(long seconds) {
        return seconds >= LAST ? Instant.MAX : seconds <= FIRST ? Instant.MIN : Instant.ofEpochSecond(seconds);
    }

    static long toSeconds(Instant time) {
        long seconds = time.getEpochSecond();
        return seconds >= LAST ? Long.MAX_VALUE : seconds <= FIRST ? Long.MIN_VALUE : seconds;
    }

    /** Zero stands for never, and for what is not known. */
    static Optional<Instant> unlessZero(long seconds) {
        return seconds == 0 ? Optional.empty() : Optional.of(toInstant(seconds));
    }

    /** How many of this unit a duration has, a part of one counting as one. */
    static int units(Duration duration, Duration unit, String name) {
        Duration most = unit.multipliedBy(UNSIGNED_INT_MAX);
        if (duration.isNegative() || duration.compareTo(most) > 0) {
            throw new InvalidArgumentException(name + " is " + duration + "; give PT0S to " + most);
        }
        long whole = duration.dividedBy(unit);
        boolean isWhole = unit.multipliedBy(whole).equals(duration);
        return (int) (isWhole ? whole : whole + 1);
    }

    /** As units, where the library takes 0 for its default: there is no way to ask for 0. */
    static int unitsAboveZero(Duration duration, Duration unit, String name) {
        if (duration.isZero()) {
            throw new InvalidArgumentException(name + " is PT0S; give " + unit + " or more");
        }
        return units(duration, unit, name);
    }
}
