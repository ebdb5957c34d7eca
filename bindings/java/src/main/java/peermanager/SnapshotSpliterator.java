package peermanager;

import java.util.Objects;
import java.util.Spliterator;
import java.util.function.Consumer;

/** Some of the peers of a snapshot, read a few at a time. */
final class SnapshotSpliterator implements Spliterator<PeerRecord> {
    private static final int BATCH = 64;

    private final Snapshot snapshot;
    private final PeerRecord[] batch = new PeerRecord[BATCH];

    /** Where the next one is in the batch, and how many it has. */
    private int at;

    private int read;

    /** Which ones are not read yet. */
    private long next;

    private final long end;

    SnapshotSpliterator(Snapshot snapshot, long next, long end) {
        this.snapshot = snapshot;
        this.next = next;
        this.end = end;
    }

    @Override
    public boolean tryAdvance(Consumer<? super PeerRecord> action) {
        Objects.requireNonNull(action, "action");
        if (at == read && !readBatch()) {
            return false;
        }
        action.accept(batch[at++]);
        return true;
    }

    @Override
    public void forEachRemaining(Consumer<? super PeerRecord> action) {
        Objects.requireNonNull(action, "action");
        do {
            while (at < read) {
                action.accept(batch[at++]);
            }
        } while (readBatch());
    }

    private boolean readBatch() {
        int count = (int) Math.min(BATCH, end - next);
        if (count == 0) {
            return false;
        }
        snapshot.read(next, batch, count);
        next += count;
        at = 0;
        read = count;
        return true;
    }

    @Override
    public Spliterator<PeerRecord> trySplit() {
        long half = (end - next) / 2;
        // What was read already comes first, so it would have to go with the first part.
        if (half == 0 || at < read) {
            return null;
        }
        SnapshotSpliterator first = new SnapshotSpliterator(snapshot, next, next + half);
        next += half;
        return first;
    }

    @Override
    public long estimateSize() {
        return end - next + (read - at);
    }

    @Override
    public int characteristics() {
        return SIZED | SUBSIZED | ORDERED | DISTINCT | NONNULL | IMMUTABLE;
    }
}
