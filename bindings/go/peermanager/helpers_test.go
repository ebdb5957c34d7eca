package peermanager_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

var background = context.Background()

// noContext is the mistake of passing none.
var noContext context.Context

// TestMain is also the other process that some tests need.
func TestMain(m *testing.M) {
	if path := os.Getenv(lockVariable); path != "" {
		os.Exit(holdLock(path))
	}
	os.Exit(m.Run())
}

func open(t testing.TB, options pm.Options) *pm.Manager {
	t.Helper()
	m, err := pm.Open(background, options)
	must(t, err)
	t.Cleanup(func() { must(t, m.Close()) })
	return m
}

func openFile(t testing.TB, durability pm.Durability) (*pm.Manager, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "peers.db")
	return open(t, pm.Options{Path: path, Durability: durability, BusyTimeout: 10 * time.Second}), path
}

// simulated is a clock that stands still until it is turned.
type simulated struct{ seconds atomic.Int64 }

func (s *simulated) read() time.Time { return time.Unix(s.seconds.Load(), 0) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func parse(t testing.TB, text string) pm.Address {
	t.Helper()
	address, err := pm.ParseAddress(text, 11625)
	must(t, err)
	return address
}

func expectIs(t testing.TB, what string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: got %v instead of %v", what, err, target)
	}
}

func expect[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v instead of %v", what, got, want)
	}
}

// eventually waits for what happens in the background.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("it never came to that: %s", what)
}

// use calls every method that can fail, and returns what it answered. The address is not banned.
func use(m *pm.Manager, address pm.Address) map[string]error {
	errs := make(map[string]error)
	errs["EnsureExists"] = m.EnsureExists(background, address)
	_, errs["EnsureExistsMany"] = m.EnsureExistsMany(background, []pm.Address{address})
	errs["Store"] = m.Store(background, pm.Record{Address: address})
	errs["StoreMany"] = m.StoreMany(background, []pm.Record{{Address: address}})
	errs["UpdateType"] = m.UpdateType(background, address, pm.TypeOutbound, false)
	errs["UpdateBackoff"] = m.UpdateBackoff(background, address, pm.BackoffReset)
	errs["Update"] = m.Update(background, address, pm.TypeOutbound, false, pm.BackoffReset)
	_, errs["Load"] = m.Load(address)
	_, errs["NextDue"] = m.NextDue() // it waits, since it was reset
	_, errs["LoadRandomPeers"] = m.LoadRandomPeers(pm.Query{}, 1)
	_, errs["NextToDial"] = m.NextToDial(pm.PurposeConnect, []pm.Address{address}, 1)
	errs["SetOnline"] = m.SetOnline(true)
	errs["SetOwnAddresses"] = m.SetOwnAddresses(background, nil)
	_, errs["PeersToSend"] = m.PeersToSend(nil, pm.Address{}, 1)
	_, errs["Stats"] = m.Stats()
	_, errs["Quarantine"] = m.Quarantine()
	_, errs["LoadHistory"] = m.LoadHistory(address)
	errs["SetData"] = m.SetData(background, address, []byte("id"))
	_, errs["Data"] = m.Data(address)
	_, errs["Ban"] = m.Ban(background, "203.0.113.0/24", pm.ForGood)
	_, errs["IsBanned"] = m.IsBanned(address)
	_, errs["Bans"] = m.Bans()
	errs["Unban"] = m.Unban(background, "203.0.113.0/24")
	var snapshot *pm.Snapshot
	snapshot, errs["Snapshot"] = m.Snapshot()
	_ = snapshot.Close() // nil is fine
	errs["Flush"] = m.Flush(background)
	errs["Remove"] = m.Remove(background, address)
	_, errs["RemovePeersWithManyFailures"] = m.RemovePeersWithManyFailures(background, 1)
	_, errs["RemoveHost"] = m.RemoveHost(background, address.Host())
	_, errs["RemovePeersNotHeardSince"] = m.RemovePeersNotHeardSince(background, time.Unix(0, 0))
	_, errs["LimitNextAttempt"] = m.LimitNextAttempt(background, time.Unix(0, 0))
	errs["ClearAll"] = m.ClearAll(background)
	return errs
}
