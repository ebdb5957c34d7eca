package cometbft_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cometbft/cometbft/p2p"

	"peer-manager.example/go/cometbft"
	pm "peer-manager.example/go/peermanager"
)

var background = context.Background()

// TestMain is also the node in a process of its own, which is killed.
func TestMain(m *testing.M) {
	if settings := os.Getenv(childVariable); settings != "" {
		os.Exit(runChild(settings))
	}
	os.Exit(m.Run())
}

// clock stands still until it is turned.
type clock struct{ seconds atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.seconds.Store(1_700_000_000)
	return c
}

func (c *clock) now() time.Time { return time.Unix(c.seconds.Load(), 0) }

func (c *clock) turn(d time.Duration) { c.seconds.Add(int64(d / time.Second)) }

// open opens a book, and checks it when the test ends.
func open(t testing.TB, options cometbft.Options) *cometbft.Book {
	t.Helper()
	book, err := cometbft.Open(options)
	must(t, err)
	t.Cleanup(func() {
		t.Helper()
		if book.Manager().PeerCount() > 0 { // else it may be closed
			must(t, book.Check())
		}
		must(t, book.Close())
	})
	return book
}

func tempFile(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "addrbook.db")
}

// random makes what tests need at random, each thing once.
type random struct {
	*rand.Rand
	used map[string]bool
}

func newRandom(t testing.TB) *random {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("the random numbers have the seed %d", seed)
	return &random{rand.New(rand.NewPCG(seed, 0)), make(map[string]bool)}
}

// id is the id of a node that no other has.
func (r *random) id() p2p.ID {
	var bytes [p2p.IDByteLength]byte
	for i := range bytes {
		bytes[i] = byte(r.IntN(256))
	}
	return p2p.ID(fmt.Sprintf("%x", bytes))
}

// address is a node at an address that CometBFT calls routable, and that no other has.
func (r *random) address() *p2p.NetAddress {
	for {
		ip := net.IPv4(byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256)))
		addr := p2p.NewNetAddressIPPort(ip, uint16(1+r.IntN(65535)))
		addr.ID = r.id()
		if !addr.Routable() || r.used[addr.DialString()] {
			continue
		}
		r.used[addr.DialString()] = true
		return addr
	}
}

func (r *random) addresses(n int) []*p2p.NetAddress {
	all := make([]*p2p.NetAddress, n)
	for i := range all {
		all[i] = r.address()
	}
	return all
}

func parse(t testing.TB, text string) *p2p.NetAddress {
	t.Helper()
	addr, err := p2p.NewNetAddressString(text)
	must(t, err)
	return addr
}

// fill adds old and new addresses to a book.
func fill(t testing.TB, book *cometbft.Book, r *random, old, fresh int) {
	t.Helper()
	for i, addr := range r.addresses(old + fresh) {
		must(t, book.AddAddress(addr, r.address()))
		if i < old {
			book.MarkGood(addr.ID)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func expect[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v instead of %v", what, got, want)
	}
}

// refused expects an error of one type.
func refused[E error](t testing.TB, what string, err error) {
	t.Helper()
	if _, ok := err.(E); !ok {
		t.Errorf("%s: got %T (%v) instead of %T", what, err, err, *new(E))
	}
}

// eventually waits for what happens on other goroutines, for a minute at most.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("within a minute it did not come to that: %s", what)
}

func expectIs(t testing.TB, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: got %v instead of %v", what, err, target)
	}
}

// failures is how often an address has failed.
func failures(t testing.TB, book *cometbft.Book, addr *p2p.NetAddress) uint32 {
	t.Helper()
	address, err := pm.ParseAddress(addr.DialString(), 0)
	must(t, err)
	record, err := book.Manager().Load(address)
	must(t, err)
	return record.NumFailures
}
