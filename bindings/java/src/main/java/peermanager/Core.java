package peermanager;

import java.lang.foreign.MemorySegment;
import java.lang.ref.Cleaner;
import java.time.InstantSource;
import java.util.Objects;
import java.util.Optional;

/** What every part of a peer manager has: the handle, the clock, and how a call begins and ends. */
abstract class Core {
    private static final Cleaner CLEANER = Cleaner.create();

    private final Handle handle;
    private final Cleaner.Cleanable forgotten;
    private final InstantSource clock;

    Core(MemorySegment pointer, Optional<InstantSource> clock) {
        Handle owned = new Handle(pointer, Native::free, "peer manager");
        this.handle = owned;
        this.clock = clock.orElse(null);
        this.forgotten = CLEANER.register(this, owned::close);
    }

    /** Begins a call: no thread closes until {@link #leave}. */
    final Scratch enter() {
        handle.enter();
        try {
            return Scratch.take();
        } catch (Throwable error) {
            handle.leave();
            throw error;
        }
    }

    /** As {@link #enter}, for a call that may ask for the time. The clock is read first: it may itself use this, or close it. */
    final Scratch enterNow() {
        if (clock == null) {
            return enter();
        }
        Present.read(clock);
        try {
            return enter();
        } catch (Throwable error) {
            Present.forget();
            throw error;
        }
    }

    final Scratch enter(PeerAddress address) {
        // Before the call begins, which would not be ended.
        Objects.requireNonNull(address, "address");
        return written(enter(), address);
    }

    final Scratch enterNow(PeerAddress address) {
        Objects.requireNonNull(address, "address");
        return written(enterNow(), address);
    }

    private static Scratch written(Scratch scratch, PeerAddress address) {
        Layouts.writeAddress(address, scratch.address, 0);
        return scratch;
    }

    final void leave(Scratch scratch) {
        scratch.give();
        handle.leave();
        if (clock != null) {
            Present.forget();
        }
    }

    /** For the library, between {@link #enter} and {@link #leave}. */
    final MemorySegment pointer() {
        return handle.pointer();
    }

    final void free() {
        // Not Cleanable.clean, which a second thread does not wait for.
        handle.close();
        forgotten.clean();
    }

    /**
     * Returns whether this was closed.
     *
     * @return whether every call is refused
     */
    public final boolean isClosed() {
        return handle.isClosed();
    }
}
