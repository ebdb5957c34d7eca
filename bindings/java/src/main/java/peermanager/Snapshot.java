package peermanager;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.Iterator;
import java.util.Objects;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * All peers as they were at one point in time, in an order that stays the same. Any number of threads may use one, and it outlives its
 * {@link PeerManager}. Nothing here waits for the disk. Close it; one that is forgotten is freed by the garbage collector.
 */
public final class Snapshot implements Iterable<PeerRecord>, AutoCloseable {
    private static final Cleaner CLEANER = Cleaner.create();

    private final Owned owned;
    private final Cleaner.Cleanable forgotten;
    private final long size;

    /** What the library has allocated. It is used by one thread at a time. */
    private static final class Owned implements Runnable {
        final ReentrantLock lock = new ReentrantLock();
        final MemorySegment pointer;
        boolean isClosed;

        Owned(MemorySegment pointer) {
            this.pointer = pointer;
        }

        @Override
        public void run() {
            lock.lock();
            try {
                if (!isClosed) {
                    isClosed = true;
                    Native.snapshotFree(pointer);
                }
            } finally {
                lock.unlock();
            }
        }
    }

    Snapshot(MemorySegment pointer) {
        owned = new Owned(pointer);
        size = Native.snapshotCount(pointer);
        forgotten = CLEANER.register(this, owned);
    }

    /**
     * Returns the number of peers. Cost: constant.
     *
     * @return the number
     */
    public long size() {
        return size;
    }

    /**
     * Reads one peer. Cost: constant.
     *
     * @param index less than {@link #size}
     * @return what was known of it
     * @throws IndexOutOfBoundsException for an index past the end
     * @throws ClosedException if this was closed
     */
    public PeerRecord get(long index) {
        Scratch scratch = enter(index);
        try {
            scratch.check(Native.snapshotGet(owned.pointer, index, scratch.record, scratch.error));
            return Layouts.readRecord(scratch.record, 0);
        } finally {
            leave(scratch);
        }
    }

    /**
     * Reads the history of the peer that {@link #get} reads at the same index. Cost: constant.
     *
     * @param index less than {@link #size}
     * @return the history, as it was
     * @throws IndexOutOfBoundsException for an index past the end
     * @throws UnsupportedException without {@link Options#withKeepHistory}
     * @throws ClosedException if this was closed
     */
    public History history(long index) {
        Scratch scratch = enter(index);
        try {
            scratch.check(Native.snapshotGetHistory(owned.pointer, index, scratch.history, scratch.error));
            return Layouts.readHistory(scratch.history);
        } finally {
            leave(scratch);
        }
    }

    /**
     * Reads the data of the peer that {@link #get} reads at the same index. Cost: constant.
     *
     * @param index less than {@link #size}
     * @return the bytes; none for a peer without data
     * @throws IndexOutOfBoundsException for an index past the end
     * @throws ClosedException if this was closed
     */
    public byte[] data(long index) {
        Scratch scratch = enter(index);
        try {
            MemorySegment room = scratch.room();
            scratch.check(Native.snapshotGetData(
                    owned.pointer, index, room, Layouts.DATA_CAPACITY, scratch.out, scratch.error));
            return room.asSlice(0, scratch.outLong()).toArray(ValueLayout.JAVA_BYTE);
        } finally {
            leave(scratch);
        }
    }

    /** Reads peers one after the other into an array of the caller's: one lock for all of them. */
    void read(long from, PeerRecord[] into, int count) {
        Scratch scratch = enter(from);
        try {
            for (int i = 0; i < count; i++) {
                scratch.check(Native.snapshotGet(owned.pointer, from + i, scratch.record, scratch.error));
                into[i] = Layouts.readRecord(scratch.record, 0);
            }
        } finally {
            leave(scratch);
        }
    }

    private Scratch enter(long index) {
        Objects.checkIndex(index, size);
        owned.lock.lock();
        try {
            if (owned.isClosed) {
                throw new ClosedException("snapshot");
            }
            return Scratch.take();
        } catch (Throwable error) {
            owned.lock.unlock();
            throw error;
        }
    }

    private void leave(Scratch scratch) {
        scratch.give();
        owned.lock.unlock();
        Reference.reachabilityFence(this);
    }

    /**
     * Returns all peers as a stream: sized, in the order of their indexes, and split well, so it may be made parallel. It ends with a
     * {@link ClosedException} if this is closed meanwhile. Cost: constant for each peer.
     *
     * @return the stream, which need not be closed
     */
    public Stream<PeerRecord> stream() {
        return StreamSupport.stream(spliterator(), false);
    }

    /**
     * Returns all peers, one after the other.
     *
     * @return the iterator
     */
    @Override
    public Iterator<PeerRecord> iterator() {
        return Spliterators.iterator(spliterator());
    }

    /**
     * Returns all peers, for a stream.
     *
     * @return a spliterator that is sized, also after splitting
     */
    @Override
    public Spliterator<PeerRecord> spliterator() {
        return new SnapshotSpliterator(this, 0, size);
    }

    /** Frees it; a second time it does nothing. It waits for the calls of other threads, each of which is short. */
    @Override
    public void close() {
        forgotten.clean();
        // If another thread was faster, it may not be done yet.
        owned.run();
    }

    /**
     * Returns the number of peers, for logs.
     *
     * @return text without any peer
     */
    @Override
    public String toString() {
        return "Snapshot[" + size + " peers]";
    }
}
