package peermanager_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

// nodeWithPeers has a preferred, an outbound and an inbound peer in netgroups of their own, and inbound ones in twenty more.
func nodeWithPeers(t *testing.T) (*pm.Manager, *simulated) {
	t.Helper()
	clock := &simulated{}
	seed := uint64(1)
	m := open(t, pm.Options{Clock: clock.read, RNGSeed: &seed})
	for host, kind := range map[string]pm.PeerType{
		"8.1.0.1": pm.TypePreferred, "8.2.0.1": pm.TypeOutbound, "8.3.0.1": pm.TypeInbound,
	} {
		must(t, m.Store(background, pm.Record{Address: parse(t, host), NextAttempt: clock.read(), PeerType: kind}))
	}
	for n := range 20 {
		must(t, m.EnsureExists(background, parse(t, fmt.Sprintf("8.%d.0.1", n+10))))
	}
	return m, clock
}

func TestKnownPeersAreDialledFirst(t *testing.T) {
	m, _ := nodeWithPeers(t)
	preferred, outbound := parse(t, "8.1.0.1"), parse(t, "8.2.0.1")
	chosen, err := m.NextToDial(pm.PurposeConnect, nil, 3)
	must(t, err)
	if len(chosen) != 3 || chosen[0] != preferred || chosen[1] != outbound {
		t.Errorf("chose %v", chosen)
	}
	// Next to a peer that is busy no other is dialled.
	for _, size := range []int{0, 3, 64, 65, math.MaxInt} {
		chosen, err = m.NextToDial(pm.PurposeConnect, []pm.Address{preferred, parse(t, "8.2.77.77")}, size)
		must(t, err)
		// For so many places the network is a small one, in which netgroups do not count.
		want := min(size, 22)
		if len(chosen) != want || size == 3 && slices.Contains(chosen, outbound) || slices.Contains(chosen, preferred) {
			t.Errorf("chose %v for %d places", chosen, size)
		}
	}
}

func TestAFeelerIsAPeerThatWasOnlyHeardOf(t *testing.T) {
	m, _ := nodeWithPeers(t)
	inbound := parse(t, "8.3.0.1")
	for range 50 {
		chosen, err := m.NextToDial(pm.PurposeFeeler, []pm.Address{inbound}, 1)
		must(t, err)
		record, err := m.Load(chosen[0])
		must(t, err)
		if record.PeerType != pm.TypeInbound || chosen[0] == inbound {
			t.Errorf("chose %+v", record)
		}
	}
}

func TestTheNextPeerToBecomeDueIsKnown(t *testing.T) {
	m, clock := nodeWithPeers(t)
	due := func() time.Time {
		due, err := m.NextDue()
		must(t, err)
		return due
	}
	_, err := m.NextDue()
	expectIs(t, "when no peer waits", err, pm.ErrNotFound)
	for host, seconds := range map[string]int64{"8.1.0.1": 9, "8.2.0.1": 7, "8.3.0.1": 1 << 40} {
		must(t, m.Store(background, pm.Record{Address: parse(t, host), NextAttempt: time.Unix(seconds, 0)}))
	}
	expect(t, "the next time", due(), time.Unix(7, 0).UTC())
	clock.seconds.Store(7)
	expect(t, "the time after that", due(), time.Unix(9, 0).UTC())
	clock.seconds.Store(9)
	expect(t, "the last time", due(), time.Unix(1<<40, 0).UTC())
}

func TestNoPeerIsToBlameWhileTheNodeIsOffline(t *testing.T) {
	m, _ := nodeWithPeers(t)
	peer := parse(t, "8.1.0.1")
	must(t, m.SetOnline(false))
	for range 20 {
		must(t, m.UpdateBackoff(background, peer, pm.BackoffIncrease))
		record, err := m.Load(peer)
		must(t, err)
		if record.NumFailures != 0 || record.NextAttempt.Unix() < 1 || record.NextAttempt.Unix() > 60 {
			t.Errorf("it became %+v", record)
		}
	}
	must(t, m.SetOnline(true))
	must(t, m.UpdateBackoff(background, peer, pm.BackoffIncrease))
	record, err := m.Load(peer)
	must(t, err)
	expect(t, "the number of failures", record.NumFailures, 1)
	stats, err := m.Stats()
	must(t, err)
	expect(t, "the number of forgiven failures", stats.ForgivenFailures, 20)
}

func TestANodeIsNeverAPeerOfItsOwn(t *testing.T) {
	m, _ := nodeWithPeers(t)
	own := []pm.Address{parse(t, "::ffff:8.1.0.1"), parse(t, "node.example")}
	must(t, m.SetOwnAddresses(background, own))
	_, err := m.Load(own[0])
	expectIs(t, "the node's own address", err, pm.ErrNotFound)
	for what, err := range map[string]error{
		"added":   m.EnsureExists(background, own[0]),
		"stored":  m.Store(background, pm.Record{Address: own[1]}),
		"updated": m.Update(background, own[1], pm.TypeOutbound, false, pm.BackoffReset),
	} {
		expectIs(t, what, err, pm.ErrRefused)
	}
	inserted, err := m.EnsureExistsMany(background, append(own, parse(t, "9.9.9.9")))
	must(t, err)
	expect(t, "the number of new peers", inserted, 1)
	stats, err := m.Stats()
	must(t, err)
	expect(t, "the number of refused peers", stats.RefusedPeers, 5)
	must(t, m.SetOwnAddresses(background, nil))
	must(t, m.EnsureExists(background, own[0]))
}

func TestAQueryKeepsToNetworksAndPrefersTheSenior(t *testing.T) {
	m := open(t, pm.Options{})
	hosts := []string{"1.2.3.4", "2001:db8::1", "a.onion", "b.i2p", "example.org"}
	for _, host := range hosts {
		must(t, m.EnsureExists(background, parse(t, host)))
	}
	drawn := func(query pm.Query, size int) []pm.Address {
		drawn, err := m.LoadRandomPeers(query, size)
		must(t, err)
		return drawn
	}
	expect(t, "the number of all networks", len(drawn(pm.Query{TypeFilter: pm.FilterAny}, 9)), 5)
	for i, host := range hosts {
		of := drawn(pm.Query{TypeFilter: pm.FilterAny, Networks: pm.NetworkIPv4 << i}, 9)
		if !slices.Equal(of, []pm.Address{parse(t, host)}) {
			t.Errorf("of %v are %v", pm.NetworkIPv4<<i, of)
		}
	}
	expect(t, "the number of two networks", len(drawn(pm.Query{TypeFilter: pm.FilterInboundOnly, Networks: pm.NetworkIPv6 | pm.NetworkName}, 9)), 2)

	near := pm.Query{TypeFilter: pm.FilterAny, Exclude: []pm.Address{parse(t, "1.2.200.200")}}
	expect(t, "the number beside it", len(drawn(near, 9)), 5)
	near.Apart = true
	expect(t, "the number apart from it", len(drawn(near, 9)), 4)
	near.Seniority = 64
	for range 50 {
		expect(t, "the most senior", drawn(near, 1)[0], parse(t, hosts[1]))
	}
}

func TestEachShareKeyHasAListOfItsOwn(t *testing.T) {
	clock := &simulated{}
	seed := uint64(1)
	m := open(t, pm.Options{Clock: clock.read, RNGSeed: &seed, ShareCache: time.Hour, ShareMaxPercent: 10})
	_, err := m.EnsureExistsMany(background, many(t, "8.8", 200))
	must(t, err)
	told := func(key uint32) []pm.Address {
		told, err := m.PeersToSend(&pm.Query{TypeFilter: pm.FilterAny, ShareKey: key}, pm.Address{}, 20)
		must(t, err)
		return told
	}
	if first := told(0); !slices.Equal(first, told(0)) || slices.Equal(first, told(15)) {
		t.Errorf("the lists are %v, %v and %v", first, told(0), told(15))
	}
}
