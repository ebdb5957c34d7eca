package peermanager

// #include "shim.h"
import "C"

import (
	"io"
	"iter"
	"runtime"
	"sync"
	"unsafe"
)

// Snapshot is all peers as they were at one point in time. It may outlive its manager. It holds some 32 bytes a peer outside
// Go's heap, 52 with [Options].KeepHistory; close it after use, or the garbage collector frees them some time later.
type Snapshot struct {
	h       *snapshotHandle
	cleanup runtime.Cleanup
}

var _ io.Closer = (*Snapshot)(nil)

// snapshotHandle is the library's snapshot, which one thread uses at a time.
type snapshotHandle struct {
	mu       sync.Mutex
	c        *C.peer_manager_snapshot // nil when it was freed
	count    int
	readers  int // iterations under way
	isClosed bool
}

// Snapshot copies all peers as they are at one point in time.
func (m *Manager) Snapshot() (*Snapshot, error) {
	var c *C.peer_manager_snapshot
	err := m.ask(func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_get_all_peers(pm, &c, &s.err)
	})
	if err != nil {
		C.peer_manager_snapshot_free(c) // not nil if it was only the clock that failed
		return nil, err
	}
	s := &Snapshot{h: &snapshotHandle{c: c, count: int(C.peer_manager_snapshot_count(c))}}
	s.cleanup = runtime.AddCleanup(s, (*snapshotHandle).close, s.h)
	return s, nil
}

// Len is the number of peers; 0 after Close.
func (s *Snapshot) Len() int {
	if s == nil || s.h == nil {
		return 0
	}
	defer runtime.KeepAlive(s)
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	if s.h.isClosed {
		return 0
	}
	return s.h.count
}

// At is one peer; the index is less than Len.
func (s *Snapshot) At(index int) (Record, error) {
	var record C.peer_manager_record
	err := s.read(index, func(c *C.peer_manager_snapshot, index C.size_t, e *C.peer_manager_error) C.peer_manager_status {
		return C.peer_manager_snapshot_get(c, index, &record, e)
	})
	if err != nil {
		return Record{}, err
	}
	return recordOf(&record), nil
}

// HistoryAt is the history of the peer that At returns; [ErrUnsupported] if its manager was opened without
// [Options].KeepHistory.
func (s *Snapshot) HistoryAt(index int) (History, error) {
	var history C.peer_manager_history
	err := s.read(index, func(c *C.peer_manager_snapshot, index C.size_t, e *C.peer_manager_error) C.peer_manager_status {
		return C.peer_manager_snapshot_get_history(c, index, &history, e)
	})
	if err != nil {
		return History{}, err
	}
	return historyOf(&history), nil
}

// DataAt returns the bytes that go with the peer that At returns, nil if there are none.
func (s *Snapshot) DataAt(index int) ([]byte, error) {
	var data [DataCapacity]byte
	var size C.size_t
	err := s.read(index, func(c *C.peer_manager_snapshot, index C.size_t, e *C.peer_manager_error) C.peer_manager_status {
		return C.peer_manager_snapshot_get_data(c, index, unsafe.Pointer(&data[0]), C.size_t(len(data)), &size, e)
	})
	if err != nil {
		return nil, err
	}
	return dataOf(&data, size), nil
}

// read makes a call that reads one peer.
func (s *Snapshot) read(index int, f func(*C.peer_manager_snapshot, C.size_t, *C.peer_manager_error) C.peer_manager_status) error {
	if s == nil || s.h == nil {
		return ErrClosed
	}
	if index < 0 {
		return invalidArgument("the index is %d; give 0 or more", index)
	}
	defer runtime.KeepAlive(s)
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	if s.h.isClosed {
		return ErrClosed
	}
	var e C.peer_manager_error
	if f(s.h.c, C.size_t(index), &e) != C.PEER_MANAGER_OK {
		return newError(&e)
	}
	return nil
}

// All is every peer, in no particular order. Any number of goroutines may iterate at once, and each may begin again. An
// iteration that has begun is finished even if the snapshot is closed meanwhile; one that begins after Close is empty.
func (s *Snapshot) All() iter.Seq[Record] {
	return func(yield func(Record) bool) {
		if s == nil || s.h == nil || !s.h.begin() {
			return
		}
		defer runtime.KeepAlive(s)
		defer s.h.end()
		buffer := make([]C.peer_manager_record, min(s.h.count, 64))
		for index := 0; index < s.h.count; index += len(buffer) {
			batch := buffer[:min(len(buffer), s.h.count-index)]
			s.h.read(index, batch)
			for i := range batch {
				if !yield(recordOf(&batch[i])) {
					return
				}
			}
		}
	}
}

// Close frees the snapshot, when the iterations under way have ended; it does not wait for them. Closing twice does
// nothing.
func (s *Snapshot) Close() error {
	if s != nil && s.h != nil {
		s.cleanup.Stop()
		s.h.close()
	}
	return nil
}

func (h *snapshotHandle) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.isClosed {
		return false
	}
	h.readers++
	return true
}

func (h *snapshotHandle) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readers--
	h.freeIfUnused()
}

func (h *snapshotHandle) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.isClosed = true
	h.freeIfUnused()
}

func (h *snapshotHandle) freeIfUnused() {
	if h.isClosed && h.readers == 0 {
		C.peer_manager_snapshot_free(h.c) // NULL is fine
		h.c = nil
	}
}

// read fills the batch. It panics on a failure, which can only be a bug in the library: the indices are right, and the
// snapshot exists.
func (h *snapshotHandle) read(index int, batch []C.peer_manager_record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var e C.peer_manager_error
	if C.peermanager_snapshot_read(h.c, C.size_t(index), C.size_t(len(batch)), &batch[0], &e) != C.PEER_MANAGER_OK {
		panic(newError(&e))
	}
}
