package peermanager_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

// many are addresses of one netgroup, all public.
func many(t *testing.T, netgroup string, count int) []pm.Address {
	t.Helper()
	var addresses []pm.Address
	for i := range count {
		addresses = append(addresses, parse(t, fmt.Sprintf("%s.%d.%d", netgroup, i/250, i%250+1)))
	}
	return addresses
}

func TestAFullTableRefusesNewPeersUntilAPeerHasFailed(t *testing.T) {
	m := open(t, pm.Options{MaxPeers: 2})
	a, b, newPeer := parse(t, "1.2.3.4"), parse(t, "5.6.7.8"), parse(t, "9.9.9.9")
	inserted, err := m.EnsureExistsMany(background, []pm.Address{a, b, newPeer})
	must(t, err)
	expect(t, "the number of new peers", inserted, 2)
	expectIs(t, "a new peer", m.EnsureExists(background, newPeer), pm.ErrLimit)
	expectIs(t, "a record of a new peer", m.Store(background, pm.Record{Address: newPeer}), pm.ErrLimit)
	must(t, m.UpdateBackoff(background, a, pm.BackoffIncrease))
	stats, err := m.Stats()
	must(t, err)
	expect(t, "the number of refused peers", stats.RefusedPeers, 3)

	must(t, m.EnsureExists(background, newPeer))
	_, err = m.Load(a)
	expectIs(t, "the peer that had failed", err, pm.ErrNotFound)
	expect(t, "the number of peers", m.PeerCount(), 2)
}

func TestANetgroupIsBoundedByItself(t *testing.T) {
	m := open(t, pm.Options{MaxPeersPerNetgroup: 3})
	inserted, err := m.EnsureExistsMany(background, append(many(t, "1.2", 10), many(t, "1.3", 2)...))
	must(t, err)
	expect(t, "the number of new peers", inserted, 5)
	expectIs(t, "one more", m.EnsureExists(background, parse(t, "1.2.255.1")), pm.ErrLimit)
	must(t, m.EnsureExists(background, parse(t, "1.3.255.1")))
}

func TestAQueryTakesNoMoreOfANetgroupThanItSays(t *testing.T) {
	m := open(t, pm.Options{})
	_, err := m.EnsureExistsMany(background, append(many(t, "1.2", 500), many(t, "1.3", 1)...))
	must(t, err)
	for most, want := range map[uint32]int{1: 2, 3: 4, 600: 501} {
		drawn, err := m.LoadRandomPeers(pm.Query{TypeFilter: pm.FilterAny, MaxPerNetgroup: most}, 1000)
		must(t, err)
		expect(t, fmt.Sprintf("the number of peers with at most %d", most), len(drawn), want)
		if !slices.Contains(drawn, parse(t, "1.3.0.1")) {
			t.Errorf("with at most %d the small netgroup is left out: %v", most, drawn)
		}
	}
}

func TestEveryoneIsToldTheSameUntilTheChoiceEnds(t *testing.T) {
	clock := &simulated{}
	seed := uint64(1)
	m := open(t, pm.Options{Clock: clock.read, RNGSeed: &seed, ShareCache: time.Minute, ShareMaxPercent: 10})
	_, err := m.EnsureExistsMany(background, many(t, "8.8", 200))
	must(t, err)
	told := func(asker string) []pm.Address {
		answer, err := m.PeersToSend(nil, parse(t, asker), 50)
		must(t, err)
		return answer
	}
	first := told("1.2.3.4")
	expect(t, "the number of shared peers", len(first), 20)
	clock.seconds.Store(59)
	if second := told("5.6.7.8"); !slices.Equal(first, second) {
		t.Errorf("one is told %v, another %v", first, second)
	}
	clock.seconds.Store(91)
	if third := told("1.2.3.4"); slices.Equal(first, third) {
		t.Errorf("the choice has not ended: %v", third)
	}
}
