package peermanager_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

func TestTheClockIsAsked(t *testing.T) {
	clock := &simulated{}
	clock.seconds.Store(1000)
	m := open(t, pm.Options{Clock: clock.read})
	address := parse(t, "1.2.3.4")
	must(t, m.EnsureExists(background, address))
	record, err := m.Load(address)
	must(t, err)
	expect(t, "the time", record.NextAttempt, time.Unix(1000, 0).UTC())
	clock.seconds.Store(999)
	stats, err := m.Stats()
	must(t, err)
	expect(t, "the peers that are ready a second before", stats.Ready, 0)
}

func TestAPanicOfTheClockIsAnError(t *testing.T) {
	var value any
	now := time.Unix(1000, 0)
	m := open(t, pm.Options{Clock: func() time.Time {
		if value != nil {
			panic(value)
		}
		return now
	}})
	address := parse(t, "1.2.3.4")
	must(t, m.EnsureExists(background, parse(t, "5.6.7.8"))) // reads the clock
	for _, value = range []any{"out of time", io.ErrUnexpectedEOF, runtime.Error(&runtime.PanicNilError{})} {
		var failure *pm.ClockError
		err := m.UpdateBackoff(background, address, pm.BackoffHardReset)
		if !errors.As(err, &failure) || failure.Value != value {
			t.Errorf("%v became %v", value, err)
		}
		if cause, ok := value.(error); ok {
			expectIs(t, "the cause", err, cause)
		}
	}
	// What is said: the call was carried out, with the last good time.
	value = nil
	record, err := m.Load(address)
	must(t, err)
	expect(t, "the time", record.NextAttempt, now.UTC())
	now = now.Add(time.Hour)
	must(t, m.UpdateBackoff(background, address, pm.BackoffHardReset))
	record, err = m.Load(address)
	must(t, err)
	expect(t, "the time after that", record.NextAttempt, now.UTC())

	// A call that fails of itself says both.
	value = io.EOF
	_, err = m.LoadRandomPeers(pm.Query{Exclude: []pm.Address{{}}}, 1)
	expectIs(t, "a wrong query", err, pm.ErrInvalidAddress)
	value = nil
}

func TestAClockThatPanicsCannotOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers.db")
	_, err := pm.Open(background, pm.Options{Path: path, Clock: func() time.Time { panic(io.EOF) }})
	var failure *pm.ClockError
	if !errors.As(err, &failure) || !errors.Is(err, io.EOF) {
		t.Errorf("it said %v", err)
	}
	open(t, pm.Options{Path: path, BusyTimeout: time.Millisecond}) // no manager holds the file
}

func TestAPanicIsToldToTheCallThatItBelongsTo(t *testing.T) {
	var calls atomic.Uint64
	m := open(t, pm.Options{Clock: func() time.Time {
		n := calls.Add(1)
		runtime.Gosched()
		if n > 1 && n%2 == 0 {
			panic(n)
		}
		return time.Unix(1000, 0)
	}})
	calls.Store(1)
	var all sync.WaitGroup
	var failures, successes atomic.Uint64
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			for range 200 {
				_, err := m.Stats() // reads the clock once
				var failure *pm.ClockError
				switch {
				case errors.As(err, &failure):
					failures.Add(1)
				case err == nil:
					successes.Add(1)
				default:
					t.Error(err)
				}
			}
		}()
	}
	all.Wait()
	expect(t, "the calls that failed", failures.Load(), 800)
	expect(t, "the calls that succeeded", successes.Load(), 800)
}

func TestTheClockMayUseItsManagerButNotCloseIt(t *testing.T) {
	cancellable, cancel := context.WithCancel(background)
	defer cancel()
	for _, ctx := range []context.Context{background, cancellable} {
		var m *pm.Manager
		var isInside atomic.Bool
		noted := parse(t, "9.9.9.9")
		var inside, closing error
		options := pm.Options{Path: filepath.Join(t.TempDir(), "peers.db"), Clock: func() time.Time {
			if m != nil && isInside.CompareAndSwap(false, true) {
				defer isInside.Store(false)
				m.PeerCount()
				inside = m.EnsureExists(ctx, noted)
				closing = m.Close()
			}
			return time.Unix(1000, 0)
		}}
		opened := open(t, options)
		m = opened
		must(t, m.EnsureExists(ctx, parse(t, "1.2.3.4")))
		must(t, inside)
		expectIs(t, "closing", closing, pm.ErrInvalidArgument)
		expect(t, "the number of peers", m.PeerCount(), 2)
	}
}

func TestAClockThatEndsItsGoroutineEndsNothingElse(t *testing.T) {
	var isOver atomic.Bool
	m := open(t, pm.Options{Clock: func() time.Time {
		if isOver.Load() {
			runtime.Goexit()
		}
		return time.Unix(1000, 0)
	}})
	isOver.Store(true)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = m.Stats()
		t.Error("the goroutine went on")
	}()
	<-ended
	isOver.Store(false)
	must(t, m.EnsureExists(background, parse(t, "1.2.3.4")))
}
