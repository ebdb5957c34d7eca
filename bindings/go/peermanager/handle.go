package peermanager

// #include "shim.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/cgo"
	"sync"
	"sync/atomic"
)

// handle is the library's manager and what must live as long as it. It does not refer to its Manager, so that a forgotten
// one can be collected while one of its changes still goes on.
type handle struct {
	pm          *C.peer_manager
	clock       *clock     // nil for the system's
	clockHandle cgo.Handle // 0 without a clock

	deferred bool          // DurabilityDeferred on a file: what is not written yet is lost if it cannot be written
	waits    bool          // changes wait for the disk
	onFile   bool          // flushing waits for the disk
	turn     chan struct{} // held by the one that waits for the disk

	users   atomic.Int64  // the calls under way, and closing
	idle    chan struct{} // closed when the handle is closing and no call is under way
	isIdle  sync.Once
	closing sync.Once
	result  error // of the close
}

// closing is added to handle.users by close; then the sum is negative.
const closing = math.MinInt64

// scratch is what calls hand to C: Go's memory, for the call only, without pointers.
type scratch struct {
	err     C.peer_manager_error
	address C.peer_manager_address
	record  C.peer_manager_record
	count   C.size_t
	data    [DataCapacity]byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (h *handle) enter() bool {
	if h.users.Add(1) > 0 {
		return true
	}
	h.leave()
	return false
}

func (h *handle) leave() {
	if h.users.Add(-1) == closing {
		h.isIdle.Do(func() { close(h.idle) })
	}
}

// call makes one call of the library, unless the handle is closed.
func (h *handle) call(f func(pm *C.peer_manager, s *scratch) C.peer_manager_status) error {
	if !h.enter() {
		return ErrClosed
	}
	defer h.leave()
	s := scratches.Get().(*scratch)
	defer scratches.Put(s)
	if h.clock == nil {
		if f(h.pm, s) != C.PEER_MANAGER_OK {
			return newError(&s.err)
		}
		return nil
	}
	var failure error
	panicked := h.clock.watch(func() {
		if f(h.pm, s) != C.PEER_MANAGER_OK {
			failure = newError(&s.err)
		}
	})
	if panicked != nil && failure != nil {
		return errors.Join(failure, panicked)
	}
	if panicked != nil {
		return panicked
	}
	return failure
}

// wait makes a call that may wait for the disk, when it is its turn.
func (h *handle) wait(ctx context.Context, what string, f func(*C.peer_manager, *scratch) C.peer_manager_status) error {
	// The caller of the clock already has the turn.
	if h.clock.isInside() {
		return h.call(f)
	}
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		return notBegun(ctx, what)
	}
	return await(ctx, what, func() error {
		defer func() { <-h.turn }()
		return h.call(f)
	})
}

// close waits for the calls under way, then frees everything. The second caller waits for the first.
func (h *handle) close() error {
	h.closing.Do(func() {
		if h.users.Add(closing) == closing {
			h.isIdle.Do(func() { close(h.idle) })
		}
		<-h.idle
		if h.deferred { // freeing flushes too, but returns no error
			var e C.peer_manager_error
			if C.peer_manager_flush(h.pm, &e) != C.PEER_MANAGER_OK {
				h.result = newError(&e)
			}
		}
		C.peer_manager_free(h.pm)
		if h.clockHandle != 0 {
			h.clockHandle.Delete()
		}
	})
	return h.result
}

// begin returns an error if a call may not begin.
func begin(ctx context.Context, what string) error {
	if ctx == nil {
		return invalidArgument("%s: the context is nil; pass context.Background()", what)
	}
	if ctx.Err() != nil {
		return notBegun(ctx, what)
	}
	return nil
}

func notBegun(ctx context.Context, what string) error {
	return fmt.Errorf("%s: nothing was done: %w", what, ctx.Err())
}

// await returns what f does, or that the context ended while f goes on.
func await(ctx context.Context, what string, f func() error) error {
	if ctx.Done() == nil {
		return f()
	}
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done: // both at once: what was done is known
		return err
	default:
		return fmt.Errorf("%s: %w: %w", what, ctx.Err(), ErrPending)
	}
}
