package peermanager_test

import (
	"errors"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

func TestAfterCloseEveryCallSaysSo(t *testing.T) {
	closed := map[string]*pm.Manager{"zero": {}, "nil": nil}
	for _, durability := range []pm.Durability{pm.DurabilityCommit, pm.DurabilityDeferred} {
		m, _ := openFile(t, durability)
		closed[durability.String()] = m
	}
	closed["memory"] = open(t, pm.Options{Clock: time.Now})
	address := parse(t, "1.2.3.4")
	for kind, m := range closed {
		if m.EnsureExists(background, address) == nil && m.PeerCount() != 1 {
			t.Errorf("%s: the peer is not there", kind)
		}
		must(t, m.Close())
		must(t, m.Close())
		for method, err := range use(m, address) {
			expectIs(t, kind+" "+method, err, pm.ErrClosed)
		}
		expect(t, "the number of peers after Close", m.PeerCount(), 0)
	}
}

func TestCloseWaitsForTheCallsUnderWay(t *testing.T) {
	reading, goOn := make(chan struct{}), make(chan struct{})
	var isFirst atomic.Bool
	m := open(t, pm.Options{Clock: func() time.Time {
		if isFirst.CompareAndSwap(true, false) {
			close(reading)
			<-goOn
		}
		return time.Now()
	}})
	isFirst.Store(true)
	results := make(chan error, 2)
	go func() { results <- m.EnsureExists(background, parse(t, "1.2.3.4")) }()
	<-reading
	var isClosed atomic.Bool
	go func() {
		err := m.Close()
		isClosed.Store(true)
		results <- err
	}()
	// Close has begun when new calls are refused, and it has not ended, because one call is still in C.
	eventually(t, "the manager refuses calls", func() bool {
		_, err := m.Stats()
		return errors.Is(err, pm.ErrClosed)
	})
	time.Sleep(20 * time.Millisecond)
	if isClosed.Load() {
		t.Error("Close did not wait")
	}
	close(goOn)
	must(t, <-results)
	must(t, <-results)
}

func TestCloseAmongManyCalls(t *testing.T) {
	for range 10 {
		m := open(t, pm.Options{Path: filepath.Join(t.TempDir(), "peers.db"), Durability: pm.DurabilityDeferred,
			KeepHistory: true})
		address := parse(t, "1.2.3.4")
		var all sync.WaitGroup
		for range 4 {
			all.Add(2)
			go func() {
				defer all.Done()
				for {
					for method, err := range use(m, address) {
						if errors.Is(err, pm.ErrClosed) {
							return
						}
						if err != nil && !errors.Is(err, pm.ErrNotFound) {
							t.Errorf("%s: %v", method, err)
						}
					}
				}
			}()
			go func() {
				defer all.Done()
				time.Sleep(10 * time.Millisecond)
				must(t, m.Close())
			}()
		}
		all.Wait()
	}
}

// forget opens a manager and loses it. It is a function of its own, so that nothing on the stack still points to it.
//
//go:noinline
func forget(t *testing.T, options pm.Options) {
	m, err := pm.Open(background, options)
	must(t, err)
	must(t, m.EnsureExists(background, parse(t, "1.2.3.4")))
	_, err = m.Snapshot() // lost, too
	must(t, err)
}

func TestAForgottenManagerIsClosed(t *testing.T) {
	for _, clock := range []func() time.Time{nil, time.Now} {
		options := pm.Options{Path: filepath.Join(t.TempDir(), "peers.db"), BusyTimeout: time.Millisecond, Clock: clock,
			Durability: pm.DurabilityDeferred}
		forget(t, options)
		// A file has one manager: it can be opened again only when the forgotten one is gone.
		var m *pm.Manager
		eventually(t, "the file can be opened again", func() (isOpen bool) {
			runtime.GC()
			var err error
			m, err = pm.Open(background, options)
			return err == nil
		})
		expect(t, "the number of peers", m.PeerCount(), 1)
		must(t, m.Close())
	}
}

func TestAManagerIsNotFreedUnderACall(t *testing.T) {
	for range 20 {
		m, err := pm.Open(background, pm.Options{Clock: func() time.Time {
			runtime.GC()
			return time.Now()
		}})
		must(t, err)
		must(t, m.EnsureExists(background, parse(t, "1.2.3.4"))) // the last use of m
	}
}
