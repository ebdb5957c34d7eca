package peermanager;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The time of the call that a thread makes, for peer managers with a clock of the program's.
 *
 * <p>The clock is read before the library is called and not from within: an exception that left a callback would end the JVM. So if
 * the clock throws, nothing was done. And what the library calls back knows no clock, so a forgotten peer manager is found by the
 * garbage collector although its clock leads to it.
 */
final class Present {
    /** How often the library asked on a thread that had read no clock: never, or a call forgets to. */
    static final AtomicLong UNPREPARED = new AtomicLong();

    private static final ThreadLocal<Present> OF_THREAD = ThreadLocal.withInitial(Present::new);

    private boolean isSet;
    private long seconds;

    private Present() {}

    /** Reads the clock for the call that this thread makes next. */
    static void read(InstantSource clock) {
        long now = Times.toSeconds(clock.instant());
        Present present = OF_THREAD.get();
        present.seconds = now;
        present.isSet = true;
    }

    static void forget() {
        OF_THREAD.get().isSet = false;
    }

    /** What the library calls. */
    static long now(MemorySegment context) {
        try {
            Present present = OF_THREAD.get();
            if (present.isSet) {
                return present.seconds;
            }
            UNPREPARED.incrementAndGet();
        } catch (Throwable error) {
            // No memory for the thread's own, for example. What left this method would end the JVM.
        }
        return System.currentTimeMillis() / 1000;
    }

    /** The function for C: one for all, so it is never freed. */
    static MemorySegment function() {
        return Stub.FUNCTION;
    }

    private static final class Stub {
        static final MemorySegment FUNCTION = make();

        @SuppressWarnings("restricted")
        private static MemorySegment make() {
            try {
                return Linker.nativeLinker().upcallStub(
                        MethodHandles.lookup().findStatic(
                                Present.class, "now", MethodType.methodType(long.class, MemorySegment.class)),
                        FunctionDescriptor.of(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS),
                        Arena.global());
            } catch (ReflectiveOperationException error) {
                throw new AssertionError("the method is there", error);
            }
        }
    }
}
