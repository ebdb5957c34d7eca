package peermanager;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Memory for the arguments and the answer of one call. Those that are not in use are kept, because allocating costs more than
 * most calls: not one for each thread, because virtual threads come in millions, but a few that are found by the thread's number.
 */
final class Scratch {
    /** A power of two. */
    private static final int SLOTS = 64;

    /** So that neighbours are on different cache lines. */
    private static final int STRIDE = 16;

    private static final AtomicReferenceArray<Scratch> KEPT = new AtomicReferenceArray<>(SLOTS * STRIDE);

    private static final long TEXT_SIZE = 1024;

    /** The most that is kept of a buffer for addresses: that of 256. */
    private static final long KEPT_SIZE = 256 * Layouts.ADDRESS_SIZE;

    /** The alignment of every struct. */
    private static final long ALIGNMENT = 8;

    final MemorySegment address;
    final MemorySegment other;
    final MemorySegment record;
    final MemorySegment error;
    final MemorySegment query;
    final MemorySegment history;
    final MemorySegment stats;

    /** Two words: a handle, a count, a time. */
    final MemorySegment out;

    final MemorySegment out2;

    private final MemorySegment text;
    private MemorySegment input = MemorySegment.NULL;
    private MemorySegment answer = MemorySegment.NULL;

    /** What is too large to be kept. */
    private Arena large;

    private Scratch() {
        MemorySegment all = Arena.ofAuto().allocate(4096, 64);
        long at = 0;
        address = all.asSlice(at, Layouts.ADDRESS_SIZE);
        at += Layouts.ADDRESS_SIZE;
        other = all.asSlice(at, Layouts.ADDRESS_SIZE);
        at += Layouts.ADDRESS_SIZE;
        record = all.asSlice(at, Layouts.RECORD_SIZE);
        at += Layouts.RECORD_SIZE;
        error = all.asSlice(at, Layouts.ERROR_STRUCT.byteSize());
        at += Layouts.ERROR_STRUCT.byteSize();
        query = all.asSlice(at, Layouts.QUERY_STRUCT.byteSize());
        at += Layouts.QUERY_STRUCT.byteSize();
        history = all.asSlice(at, Layouts.HISTORY_STRUCT.byteSize());
        at += Layouts.HISTORY_STRUCT.byteSize();
        stats = all.asSlice(at, Layouts.STATS_STRUCT.byteSize());
        at += Layouts.STATS_STRUCT.byteSize();
        out = all.asSlice(at, Long.BYTES);
        at += Long.BYTES;
        out2 = all.asSlice(at, Long.BYTES);
        at += Long.BYTES;
        text = all.asSlice(at, TEXT_SIZE);
    }

    /** One that no other call uses until it is given back. */
    static Scratch take() {
        int slot = slot();
        Scratch kept = KEPT.getAndSet(slot, null);
        if (kept == null) {
            // A virtual thread may have a neighbour's number.
            kept = KEPT.getAndSet((slot + STRIDE) & (SLOTS * STRIDE - 1), null);
        }
        return kept != null ? kept : new Scratch();
    }

    void give() {
        if (large != null) {
            large.close();
            large = null;
        }
        // If another thread has given one back meanwhile, that is left to the garbage collector.
        KEPT.setRelease(slot(), this);
    }

    private static int slot() {
        return ((int) Thread.currentThread().threadId() & (SLOTS - 1)) * STRIDE;
    }

    /** Throws what a call reports, if it failed. */
    void check(int status) {
        if (status != 0) {
            throw Layouts.readError(status, error);
        }
    }

    /** As {@link #check}; whether what was asked for is there. */
    boolean isFound(int status) {
        if (status == Status.NOT_FOUND.value()) {
            return false;
        }
        check(status);
        return true;
    }

    long outLong() {
        return out.get(JAVA_LONG, 0);
    }

    /** The handle that a call has made. */
    MemorySegment outPointer() {
        return out.get(ADDRESS, 0);
    }

    /** Text for C. */
    MemorySegment text(String value, String name) {
        byte[] bytes = Checks.text(value, name).getBytes(StandardCharsets.UTF_8);
        MemorySegment to = bytes.length < TEXT_SIZE ? text : large().allocate(bytes.length + 1L);
        MemorySegment.copy(bytes, 0, to, JAVA_BYTE, 0, bytes.length);
        to.set(JAVA_BYTE, bytes.length, (byte) 0);
        return to;
    }

    /** Bytes for C. */
    MemorySegment bytes(byte[] value) {
        MemorySegment to = value.length <= TEXT_SIZE ? text : large().allocate(value.length);
        MemorySegment.copy(value, 0, to, JAVA_BYTE, 0, value.length);
        return to;
    }

    /** Room for bytes that a call writes, at most those of a text. */
    MemorySegment room() {
        return text;
    }

    /** An array of addresses for C; not more than one in a call. */
    MemorySegment addresses(List<PeerAddress> values) {
        MemorySegment to = input(values.size() * Layouts.ADDRESS_SIZE);
        long at = 0;
        for (PeerAddress value : values) {
            Layouts.writeAddress(value, to, at);
            at += Layouts.ADDRESS_SIZE;
        }
        return to;
    }

    /** An array of records for C. */
    MemorySegment records(List<PeerRecord> values) {
        MemorySegment to = input(values.size() * Layouts.RECORD_SIZE);
        long at = 0;
        for (PeerRecord value : values) {
            Layouts.writeRecord(value, to, at);
            at += Layouts.RECORD_SIZE;
        }
        return to;
    }

    private MemorySegment input(long size) {
        if (size > KEPT_SIZE) {
            return large().allocate(size, ALIGNMENT);
        }
        if (size > input.byteSize()) {
            input = grown(size);
        }
        return input;
    }

    /** An array that a call fills in. */
    MemorySegment answer(long count, StructLayout element) {
        long size = count * element.byteSize();
        if (size > KEPT_SIZE) {
            return large().allocate(size, ALIGNMENT);
        }
        if (size > answer.byteSize()) {
            answer = grown(size);
        }
        return answer;
    }

    /** Doubles, so that sizes that grow one by one cost little. */
    private static MemorySegment grown(long size) {
        return Arena.ofAuto().allocate(Math.min(KEPT_SIZE, Math.max(4096, Long.highestOneBit(size) * 2)), ALIGNMENT);
    }

    List<PeerAddress> readAddresses(MemorySegment from, int count) {
        List<PeerAddress> addresses = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            addresses.add(Layouts.readAddress(from, i * Layouts.ADDRESS_SIZE));
        }
        return addresses;
    }

    private Arena large() {
        if (large == null) {
            large = Arena.ofConfined();
        }
        return large;
    }

    /** A copy, because the caller's collection may change meanwhile, without null. */
    static <T> List<T> copy(Iterable<? extends T> values, String name) {
        Objects.requireNonNull(values, name);
        List<T> copy = new ArrayList<>();
        for (T value : values) {
            copy.add(Objects.requireNonNull(value, () -> name + " has a null at index " + copy.size()));
        }
        return copy;
    }
}
