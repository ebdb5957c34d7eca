package peermanager

// #include "shim.h"
import "C"

import (
	"runtime"
	"runtime/cgo"
	"sync"
	"time"
)

// clock is the user's clock. The library calls it on the thread, and so on the goroutine, that called the library.
// A goroutine has no identifier, but it keeps its thread while it is in C, so the thread tells the calls apart.
type clock struct {
	read func() time.Time

	mu     sync.Mutex
	last   int64             // the last time that read gave, in seconds
	inside map[uintptr]int   // the threads that are reading the clock, and how deep
	panics map[uintptr][]any // what the clock panicked with in the call that is under way on a thread
}

func newClock(read func() time.Time) *clock {
	return &clock{
		read:   read,
		last:   time.Now().Unix(),
		inside: make(map[uintptr]int),
		panics: make(map[uintptr][]any),
	}
}

//export peermanagerClock
func peermanagerClock(handle C.uintptr_t) C.int64_t {
	return C.int64_t(cgo.Handle(handle).Value().(*clock).now())
}

// now never panics: a panic must not run through the library's frames.
func (c *clock) now() (seconds int64) {
	thread := uintptr(C.peermanager_thread())
	c.mu.Lock()
	c.inside[thread]++
	c.mu.Unlock()
	isRead := false
	defer func() {
		value := recover()
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.inside[thread]--; c.inside[thread] == 0 {
			delete(c.inside, thread)
		}
		if value != nil {
			c.panics[thread] = append(c.panics[thread], value)
		}
		if isRead {
			c.last = seconds
		}
		seconds = c.last
	}()
	seconds = int64(secondsAt(c.read()))
	isRead = true
	return seconds
}

// isInside reports whether the caller is the clock itself, that is, whether it runs within a call of its own manager.
func (c *clock) isInside() bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.inside) > 0 && c.inside[uintptr(C.peermanager_thread())] > 0
}

// watch makes a call that may read the clock, and returns what the clock panicked with meanwhile, if it did.
func (c *clock) watch(call func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread := uintptr(C.peermanager_thread())
	call()
	c.mu.Lock()
	defer c.mu.Unlock()
	values := c.panics[thread]
	if len(values) == 0 {
		return nil
	}
	delete(c.panics, thread)
	return &ClockError{values[0]}
}
