package peermanager;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * What the library has allocated, which is freed once: when it is closed and no thread is in a call with it. Each call counts
 * itself, so closing waits for those that are under way, and a later one is refused.
 */
final class Handle {
    private static final long CLOSED = 1L << 62;

    private static final VarHandle CALLS;

    static {
        try {
            CALLS = MethodHandles.lookup().findVarHandle(Handle.class, "calls", long.class);
        } catch (ReflectiveOperationException error) {
            throw new ExceptionInInitializerError(error);
        }
    }

    private final MemorySegment pointer;
    private final Consumer<MemorySegment> free;
    private final String name;
    private final CountDownLatch freed = new CountDownLatch(1);

    /** How many are under way, and CLOSED. */
    private volatile long calls;

    /** The thread that waits until none is. */
    private volatile Thread closer;

    Handle(MemorySegment pointer, Consumer<MemorySegment> free, String name) {
        this.pointer = pointer;
        this.free = free;
        this.name = name;
    }

    /** Begins a call; {@link #leave} ends it. */
    void enter() {
        if (((long) CALLS.getAndAdd(this, 1L) & CLOSED) != 0) {
            leave();
            throw new ClosedException(name);
        }
    }

    /** For use between {@link #enter} and {@link #leave}. */
    MemorySegment pointer() {
        return pointer;
    }

    void leave() {
        if ((long) CALLS.getAndAdd(this, -1L) == CLOSED + 1) {
            LockSupport.unpark(closer);
        }
    }

    boolean isClosed() {
        return (calls & CLOSED) != 0;
    }

    /** Returns once it is freed, whichever thread does that. Interrupts are kept for later: what is closed must be free. */
    void close() {
        boolean interrupted = false;
        if (((long) CALLS.getAndBitwiseOr(this, CLOSED) & CLOSED) == 0) {
            closer = Thread.currentThread();
            while (calls != CLOSED) {
                LockSupport.park(this);
                interrupted |= Thread.interrupted();
            }
            try {
                free.accept(pointer);
            } finally {
                freed.countDown();
            }
        } else {
            while (true) {
                try {
                    freed.await();
                    break;
                } catch (InterruptedException error) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
