package peermanager_test

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

// second is so long after 1,700,000,000.
func second(n int64) time.Time { return time.Unix(1_700_000_000+n, 0).UTC() }

func history(t *testing.T, m *pm.Manager, address pm.Address) pm.History {
	t.Helper()
	history, err := m.LoadHistory(address)
	must(t, err)
	return history
}

func TestAHistoryOutlivesItsManager(t *testing.T) {
	for _, durability := range []pm.Durability{pm.DurabilityCommit, pm.DurabilitySync, pm.DurabilityDeferred} {
		clock := &simulated{}
		clock.seconds.Store(1_700_000_000)
		options := pm.Options{Path: filepath.Join(t.TempDir(), "peers.db"), Durability: durability, KeepHistory: true,
			Clock: clock.read}
		m, err := pm.Open(background, options)
		must(t, err)
		peer := parse(t, "192.0.2.1")
		must(t, m.EnsureExists(background, peer))
		expect(t, "the history of a new peer", history(t, m, peer), pm.History{FirstHeard: second(0), LastHeard: second(0)})
		clock.seconds.Add(5)
		must(t, m.UpdateBackoff(background, peer, pm.BackoffIncrease))
		clock.seconds.Add(2)
		must(t, m.Update(background, peer, pm.TypeOutbound, false, pm.BackoffReset))
		clock.seconds.Add(2)
		must(t, m.UpdateBackoff(background, peer, pm.BackoffHardReset))
		want := pm.History{FirstHeard: second(0), LastHeard: second(0), FirstReached: second(7), LastReached: second(9),
			LastAttempt: second(5)}
		expect(t, "the history", history(t, m, peer), want)
		must(t, m.Close())
		m = open(t, options)
		expect(t, "the history after a restart", history(t, m, peer), want)
		clock.seconds.Store(second(86_399).Unix())
		must(t, m.EnsureExists(background, peer)) // to the day
		expect(t, "the history within a day", history(t, m, peer), want)
		clock.seconds.Store(second(86_400).Unix())
		must(t, m.EnsureExists(background, peer))
		want.LastHeard = second(86_400)
		expect(t, "the history a day later", history(t, m, peer), want)
		must(t, m.Remove(background, peer))
		_, err = m.LoadHistory(peer)
		expectIs(t, "the history of a peer that was removed", err, pm.ErrNotFound)
	}
}

// threeHeard has peers heard of at 100, 200 and 300 seconds; the first was reached at 1000.
func threeHeard(t *testing.T) (*pm.Manager, []pm.Address) {
	t.Helper()
	m, clock := openAt(t, pm.Options{KeepHistory: true})
	peers := make([]pm.Address, 3)
	for i := range peers {
		clock.seconds.Add(100)
		peers[i] = parse(t, fmt.Sprintf("8.8.8.8:%d", i+1))
		must(t, m.EnsureExists(background, peers[i]))
	}
	clock.seconds.Store(second(1000).Unix())
	must(t, m.UpdateBackoff(background, peers[0], pm.BackoffReset))
	return m, peers
}

func TestQueriesAskSinceWhen(t *testing.T) {
	m, peers := threeHeard(t)
	for what, given := range map[string]struct {
		heard, reached time.Time
		want           []pm.Address
	}{
		"any":                      {time.Time{}, time.Time{}, peers},
		"heard at 100":             {second(100), time.Time{}, peers},
		"heard since 201":          {second(201), time.Time{}, []pm.Address{peers[0], peers[2]}},
		"reached is heard":         {second(1000), time.Time{}, peers[:1]},
		"heard since 1001":         {second(1001), time.Time{}, nil},
		"reached at all":           {time.Time{}, time.Unix(1, 0), peers[:1]},
		"reached since 1000.9":     {time.Time{}, second(1000).Add(9e8), peers[:1]},
		"reached since 1001":       {time.Time{}, second(1001), nil},
		"reached at 1000, and 300": {second(300), second(1000), peers[:1]},
		"after everything":         {time.Unix(math.MaxInt64, 0), time.Time{}, nil},
	} {
		query := pm.Query{TypeFilter: pm.FilterAny, IgnoreNextAttempt: true, HeardSince: given.heard, ReachedSince: given.reached}
		drawn, err := m.LoadRandomPeers(query, 9)
		must(t, err)
		slices.SortFunc(drawn, func(a, b pm.Address) int { return int(a.Port()) - int(b.Port()) })
		if !slices.Equal(drawn, given.want) {
			t.Errorf("%s: drew %v", what, drawn)
		}
		told, err := m.PeersToSend(&query, pm.Address{}, 9)
		must(t, err)
		expect(t, "the number told, "+what, len(told), len(given.want))
	}
}

func TestASnapshotHasTheHistories(t *testing.T) {
	m, peers := threeHeard(t)
	snapshot, err := m.Snapshot()
	must(t, err)
	defer snapshot.Close()
	must(t, m.ClearAll(background)) // it is one point in time
	expect(t, "the length", snapshot.Len(), 3)
	for i := range snapshot.Len() {
		record, err := snapshot.At(i)
		must(t, err)
		got, err := snapshot.HistoryAt(i)
		must(t, err)
		heard := second(100 * int64(record.Address.Port()))
		want := pm.History{FirstHeard: heard, LastHeard: heard}
		if record.Address == peers[0] {
			want.FirstReached, want.LastReached = second(1000), second(1000)
		}
		expect(t, "the history", got, want)
	}
}

func TestPeersThatAreNoLongerHeardOfAreRemoved(t *testing.T) {
	m, peers := threeHeard(t)
	for _, given := range []struct {
		since time.Time
		want  int
	}{{time.Time{}, 0}, {time.Unix(math.MinInt64, 0), 0}, {second(200), 0}, {second(300), 1}, {second(300), 0},
		{time.Unix(math.MaxInt64, 0), 1}} {
		removed, err := m.RemovePeersNotHeardSince(background, given.since)
		must(t, err)
		expect(t, "the number not heard since "+given.since.String(), removed, given.want)
	}
	_, err := m.Load(peers[0]) // it was reached
	must(t, err)
	expect(t, "the number of peers", m.PeerCount(), 1)
	_, err = m.RemovePeersNotHeardSince(noContext, time.Time{})
	expectIs(t, "no context", err, pm.ErrInvalidArgument)
}

func TestWithoutHistoriesNoneIsAskedFor(t *testing.T) {
	m := filled(t, pm.Options{}, 1)
	peer := parse(t, "11.0.0.1")
	_, load := m.LoadHistory(peer)
	_, remove := m.RemovePeersNotHeardSince(background, time.Unix(math.MaxInt64, 0))
	_, heard := m.LoadRandomPeers(pm.Query{HeardSince: second(0)}, 1)
	_, reached := m.PeersToSend(&pm.Query{ReachedSince: second(0)}, pm.Address{}, 1)
	snapshot, err := m.Snapshot()
	must(t, err)
	defer snapshot.Close()
	_, at := snapshot.HistoryAt(0)
	for what, given := range map[string]struct{ err, want error }{
		"to load one":      {load, pm.ErrUnsupported},
		"to remove":        {remove, pm.ErrUnsupported},
		"a snapshot's":     {at, pm.ErrUnsupported},
		"to be heard of":   {heard, pm.ErrInvalidArgument},
		"to be reached":    {reached, pm.ErrInvalidArgument},
		"of a new manager": {func() error { _, err := (&pm.Manager{}).LoadHistory(peer); return err }(), pm.ErrClosed},
	} {
		expectIs(t, what, given.err, given.want)
	}
	expect(t, "the number of peers", m.PeerCount(), 1)
	with := open(t, pm.Options{KeepHistory: true})
	_, err = with.LoadHistory(peer)
	expectIs(t, "a peer that is not there", err, pm.ErrNotFound)
	_, err = with.LoadHistory(pm.Address{})
	expectIs(t, "no address", err, pm.ErrInvalidAddress)
}

func TestHistoriesTellWhichOutboundPeersAreDead(t *testing.T) {
	for _, keep := range []bool{false, true} {
		m, clock := openAt(t, pm.Options{KeepHistory: keep, MaxPeers: 1})
		dead := parse(t, "8.8.8.8")
		must(t, m.Update(background, dead, pm.TypeOutbound, false, pm.BackoffReset))
		for range pm.MaxFailures {
			must(t, m.UpdateBackoff(background, dead, pm.BackoffIncrease))
		}
		clock.seconds.Add(31 * 86_400)
		err := m.EnsureExists(background, parse(t, "9.9.9.9"))
		if keep {
			must(t, err)
		} else {
			expectIs(t, "a new peer", err, pm.ErrLimit)
		}
	}
}
