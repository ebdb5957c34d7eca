package peermanager_test

import (
	"math"
	"slices"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

func TestDrawing(t *testing.T) {
	m := open(t, pm.Options{})
	var all []pm.Address
	for i := range 200 {
		address, err := pm.NewAddress("8.8.8.8", uint16(i+1))
		must(t, err)
		all = append(all, address)
	}
	private := parse(t, "10.0.0.1")
	_, err := m.EnsureExistsMany(background, append(all, private))
	must(t, err)
	for _, size := range []int{0, 1, 64, 65, 201, 1000, math.MaxInt} {
		drawn, err := m.LoadRandomPeers(pm.Query{TypeFilter: pm.FilterAny}, size)
		must(t, err)
		expect(t, "the number drawn", len(drawn), min(size, 201))
		seen := make(map[pm.Address]bool)
		for _, address := range drawn {
			if seen[address] || !(slices.Contains(all, address) || address == private) {
				t.Errorf("drew %v", address)
			}
			seen[address] = true
		}
	}
	drawn, err := m.LoadRandomPeers(pm.Query{TypeFilter: pm.FilterAny, Exclude: append(all[1:], private)}, 3)
	must(t, err)
	if !slices.Equal(drawn, all[:1]) {
		t.Errorf("drew %v, though all but %v were excluded", drawn, all[0])
	}
	toSend, err := m.PeersToSend(nil, all[5], math.MaxInt)
	must(t, err)
	expect(t, "the number to send", len(toSend), 199)
	if slices.Contains(toSend, private) || slices.Contains(toSend, all[5]) {
		t.Error("a private address or the asker would be sent")
	}
	toSend, err = m.PeersToSend(&pm.Query{TypeFilter: pm.FilterAny, Exclude: all[1:]}, pm.Address{}, 5)
	must(t, err)
	if !slices.Equal(toSend, all[:1]) {
		t.Errorf("would send %v, though all but %v were excluded", toSend, all[0])
	}
	toSend, err = m.PeersToSend(&pm.Query{}, pm.Address{}, 5)
	must(t, err)
	expect(t, "the number of outbound peers to send", len(toSend), 0)
	must(t, m.UpdateBackoff(background, all[0], pm.BackoffIncrease))
	drawn, err = m.LoadRandomPeers(pm.Query{TypeFilter: pm.FilterAny, IgnoreNextAttempt: true, MaxNumFailures: pm.AtMost(0)}, 500)
	must(t, err)
	expect(t, "the number without failures", len(drawn), 200)
}

// tableOfAll is a peer of each type that is due and one that waits, and those with 10, 120 and 121 failures, at time 100.
func tableOfAll(t *testing.T) *pm.Manager {
	t.Helper()
	m := open(t, pm.Options{Clock: func() time.Time { return time.Unix(100, 0) }})
	var records []pm.Record
	for i, peerType := range []pm.PeerType{pm.TypeInbound, pm.TypeOutbound, pm.TypePreferred} {
		for j, failures := range []uint32{0, pm.MaxFailures, pm.ReallyDead, pm.ReallyDead + 1, math.MaxUint32} {
			for k, next := range []int64{100, 101} {
				address, err := pm.NewAddress("8.8.8.8", uint16(1+100*i+10*j+k))
				must(t, err)
				records = append(records, pm.Record{
					Address: address, NextAttempt: time.Unix(next, 0), NumFailures: failures, PeerType: peerType,
				})
			}
		}
	}
	must(t, m.StoreMany(background, records))
	return m
}

func TestTheZeroQueryIsForDialling(t *testing.T) {
	m := tableOfAll(t)
	eligible := func(query pm.Query, admits func(pm.Record) bool) {
		t.Helper()
		var want []pm.Address
		snapshot, err := m.Snapshot()
		must(t, err)
		defer snapshot.Close()
		for record := range snapshot.All() {
			if admits(record) {
				want = append(want, record.Address)
			}
		}
		slices.SortFunc(want, pm.Address.Compare)
		drawn, err := m.LoadRandomPeers(query, 100)
		must(t, err)
		slices.SortFunc(drawn, pm.Address.Compare)
		if len(want) == 0 || !slices.Equal(drawn, want) {
			t.Errorf("%+v: drew %v instead of %v", query, drawn, want)
		}
		told, err := m.PeersToSend(&query, pm.Address{}, 100)
		must(t, err)
		slices.SortFunc(told, pm.Address.Compare)
		if !slices.Equal(told, want) {
			t.Errorf("%+v: told %v instead of %v", query, told, want)
		}
	}
	isDialled := func(r pm.Record) bool { return r.PeerType != pm.TypeInbound }
	isDue := func(r pm.Record) bool { return r.NextAttempt.Unix() <= 100 }
	isAlive := func(r pm.Record) bool { return r.NumFailures <= pm.ReallyDead }

	eligible(pm.Query{}, func(r pm.Record) bool { return isDialled(r) && isDue(r) && isAlive(r) })
	eligible(pm.Query{IgnoreNextAttempt: true}, func(r pm.Record) bool { return isDialled(r) && isAlive(r) })
	eligible(pm.Query{MaxNumFailures: pm.AtMost(pm.AnyNumFailures)},
		func(r pm.Record) bool { return isDialled(r) && isDue(r) })
	eligible(pm.Query{MaxNumFailures: pm.AtMost(0)},
		func(r pm.Record) bool { return isDialled(r) && isDue(r) && r.NumFailures == 0 })
	for filter, admits := range map[pm.TypeFilter]func(pm.PeerType) bool{
		pm.FilterAnyOutbound:   func(p pm.PeerType) bool { return p != pm.TypeInbound },
		pm.FilterAny:           func(pm.PeerType) bool { return true },
		pm.FilterInboundOnly:   func(p pm.PeerType) bool { return p == pm.TypeInbound },
		pm.FilterOutboundOnly:  func(p pm.PeerType) bool { return p == pm.TypeOutbound },
		pm.FilterPreferredOnly: func(p pm.PeerType) bool { return p == pm.TypePreferred },
		pm.FilterNotPreferred:  func(p pm.PeerType) bool { return p != pm.TypePreferred },
	} {
		eligible(pm.Query{TypeFilter: filter},
			func(r pm.Record) bool { return admits(r.PeerType) && isDue(r) && isAlive(r) })
	}
}

func TestADeadPeerIsNotDrawnAgainAndAgain(t *testing.T) {
	clock := &simulated{}
	seed := uint64(1)
	m := open(t, pm.Options{Clock: clock.read, RNGSeed: &seed})
	must(t, m.EnsureExists(background, parse(t, "8.8.8.8")))
	attempts := 0
	for range 24 { // each second
		clock.seconds.Add(1)
		drawn, err := m.LoadRandomPeers(pm.Query{TypeFilter: pm.FilterAny}, 1)
		must(t, err)
		for _, address := range drawn {
			attempts++
			must(t, m.UpdateBackoff(background, address, pm.BackoffIncrease))
		}
	}
	if attempts == 0 || attempts > 12 {
		t.Errorf("%d attempts in 24 seconds", attempts)
	}
}

func TestPeersToSendWithoutAQueryAreOfEveryKind(t *testing.T) {
	m := tableOfAll(t)
	told, err := m.PeersToSend(nil, pm.Address{}, 100)
	must(t, err)
	expect(t, "the number told", len(told), m.PeerCount())
}
