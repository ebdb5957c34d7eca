package peermanager_test

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

// openAt opens a manager in memory whose clock stands at 1,700,000,000.
func openAt(t *testing.T, options pm.Options) (*pm.Manager, *simulated) {
	t.Helper()
	clock := &simulated{}
	clock.seconds.Store(1_700_000_000)
	options.Clock = clock.read
	return open(t, options), clock
}

func ban(t *testing.T, m *pm.Manager, subject string, until time.Time, removed int) {
	t.Helper()
	got, err := m.Ban(background, subject, until)
	must(t, err)
	expect(t, "the number that "+subject+" removed", got, removed)
}

func isBanned(t *testing.T, m *pm.Manager, address string) bool {
	t.Helper()
	banned, err := m.IsBanned(parse(t, address))
	must(t, err)
	return banned
}

func TestTheBannedAreRemovedAndRefusedUntilTheEnd(t *testing.T) {
	m, clock := openAt(t, pm.Options{})
	banned, free := parse(t, "203.0.113.7:9"), parse(t, "203.0.114.1")
	_, err := m.EnsureExistsMany(background, []pm.Address{parse(t, "203.0.113.7:1"), parse(t, "::ffff:203.0.113.8"), free})
	must(t, err)
	must(t, m.Store(background, pm.Record{Address: banned, PeerType: pm.TypePreferred}))
	end := time.Unix(1_700_000_060, 999) // is cut to whole seconds
	ban(t, m, "203.0.113.99/24", end, 3)
	expect(t, "the number of peers that stay", m.PeerCount(), 1)
	for what, err := range map[string]error{
		"added":              m.EnsureExists(background, banned),
		"stored":             m.Store(background, pm.Record{Address: banned}),
		"updated by type":    m.UpdateType(background, banned, pm.TypePreferred, true),
		"updated by backoff": m.UpdateBackoff(background, banned, pm.BackoffReset),
		"updated":            m.Update(background, banned, pm.TypeOutbound, false, pm.BackoffReset),
	} {
		expectIs(t, what, err, pm.ErrRefused)
		if !strings.Contains(fmt.Sprint(err), "203.0.113.0/24 is banned until 1700000060") {
			t.Errorf("%s: %v", what, err)
		}
	}
	inserted, err := m.EnsureExistsMany(background, []pm.Address{banned, parse(t, "203.0.114.2")})
	must(t, err)
	expect(t, "the number of new peers", inserted, 1)
	stats, err := m.Stats()
	must(t, err)
	expect(t, "the number of refused peers", stats.RefusedPeers, 6)
	expect(t, "the number of bans", stats.Bans, 1)

	clock.seconds.Store(1_700_000_059)
	expect(t, "banned in the last second", isBanned(t, m, "203.0.113.255"), true)
	clock.seconds.Store(1_700_000_060)
	expect(t, "banned at the end", isBanned(t, m, "203.0.113.255"), false)
	expectIs(t, "a ban that has ended", m.Unban(background, "203.0.113.0/24"), pm.ErrNotFound)
	must(t, m.EnsureExists(background, banned))
}

func TestABannedHostIsOneInEverySpelling(t *testing.T) {
	m := open(t, pm.Options{})
	ban(t, m, "2002:cb00:7107::1", pm.ForGood, 0)
	for host, want := range map[string]bool{
		"203.0.113.7": true, "64:ff9b::203.0.113.7": true, "2002:cb00:7107:9::": true, "203.0.113.6": false, "2001:db8::1": false,
	} {
		expect(t, host, isBanned(t, m, host), want)
	}
	must(t, m.Unban(background, "203.0.113.7/32"))
	expect(t, "banned still", isBanned(t, m, "2002:cb00:7107::1"), false)
	ban(t, m, "Node.Example.", pm.ForGood, 0)
	expect(t, "a name", isBanned(t, m, "node.EXAMPLE"), true)
	expect(t, "a name below it", isBanned(t, m, "a.node.example"), false)
}

func TestBansAreListedInOrderWhileTheyLast(t *testing.T) {
	m, clock := openAt(t, pm.Options{})
	bans := func() []pm.Ban {
		bans, err := m.Bans()
		must(t, err)
		return bans
	}
	expect(t, "the number of bans at first", len(bans()), 0)
	at := func(seconds int64) time.Time { return time.Unix(1_700_000_000+seconds, 0).UTC() }
	longest := strings.Repeat("a", 50) + strings.Repeat("."+strings.Repeat("b", 50), 3) + "." + strings.Repeat("c", 49)
	ban(t, m, longest, pm.ForGood, 0)
	ban(t, m, "2001:DB8::/32", at(5), 0)
	ban(t, m, "203.0.113.0/24", at(7), 0)
	ban(t, m, "198.51.100.1", at(1), 0)
	want := []pm.Ban{{Subject: "198.51.100.1", Until: at(1)}, {Subject: "203.0.113.0/24", Until: at(7)},
		{Subject: "2001:db8::/32", Until: at(5)}, {Subject: longest}}
	if got := bans(); !slices.Equal(got, want) {
		t.Errorf("the bans are %v", got)
	}
	ban(t, m, "203.0.113.0/24", pm.ForGood, 0) // moves the end
	want[1].Until = pm.ForGood
	clock.seconds.Store(1_700_000_001)
	if got := bans(); !slices.Equal(got, want[1:]) {
		t.Errorf("a second later the bans are %v", got)
	}
	// More than there is room for at first.
	for _, count := range []int{15, 16, 17, 33, 200} {
		m := open(t, pm.Options{})
		for i := range count {
			ban(t, m, fmt.Sprintf("10.0.%d.0/24", i), pm.ForGood, 0)
		}
		bans, err := m.Bans()
		must(t, err)
		expect(t, "the number of bans", len(bans), count)
		for i, ban := range bans {
			expect(t, "the ban", ban, pm.Ban{Subject: fmt.Sprintf("10.0.%d.0/24", i)})
		}
	}
}

func TestBansSurviveARestart(t *testing.T) {
	theirs, other := openFile(t, pm.DurabilityCommit)
	known := parse(t, "203.0.113.7")
	must(t, theirs.EnsureExists(background, known))
	for _, durability := range []pm.Durability{pm.DurabilityCommit, pm.DurabilitySync, pm.DurabilityDeferred} {
		options := pm.Options{Path: filepath.Join(t.TempDir(), "peers.db"), Durability: durability}
		m, err := pm.Open(background, options)
		must(t, err)
		must(t, m.EnsureExists(background, known))
		ban(t, m, "203.0.113.0/24", pm.ForGood, 1)
		must(t, m.Close())
		m = open(t, options)
		expect(t, "the number of peers", m.PeerCount(), 0)
		bans, err := m.Bans()
		must(t, err)
		if !slices.Equal(bans, []pm.Ban{{Subject: "203.0.113.0/24"}}) {
			t.Errorf("after a restart the bans are %v", bans)
		}
		// Nor does it come back with what another node knows.
		inserted, err := m.Import(background, other)
		must(t, err)
		expect(t, "the number of imported peers", inserted, 0)
		must(t, m.Unban(background, "203.0.113.0/24"))
		must(t, m.Close())
		m = open(t, options)
		must(t, m.EnsureExists(background, known))
	}
}

func TestWrongBansAreErrorsAndDoNothing(t *testing.T) {
	m, clock := openAt(t, pm.Options{})
	must(t, m.EnsureExists(background, parse(t, "203.0.113.7")))
	for subject, want := range map[string]error{
		"": pm.ErrInvalidAddress, "203.0.113": pm.ErrInvalidAddress, "203.0.113.0/33": pm.ErrInvalidAddress,
		"203.0.113.0/": pm.ErrInvalidAddress, "203.0.113.7:80": pm.ErrInvalidAddress, "example.org/8": pm.ErrInvalidAddress,
		"[2001:db8::1]:1": pm.ErrInvalidAddress, "203.0.113.7\x00": pm.ErrInvalidAddress, "\xff": pm.ErrInvalidArgument,
		strings.Repeat("a.", 10_000): pm.ErrInvalidAddress, " 203.0.113.7": pm.ErrInvalidAddress,
	} {
		_, err := m.Ban(background, subject, pm.ForGood)
		expectIs(t, fmt.Sprintf("a ban of %.20q", subject), err, want)
		expectIs(t, fmt.Sprintf("an end of %.20q", subject), m.Unban(background, subject), want)
	}
	for _, until := range []time.Time{clock.read(), clock.read().Add(time.Second - 1), time.Unix(0, 0), time.Unix(math.MinInt64, 0),
		time.Time{}.Add(time.Nanosecond)} {
		_, err := m.Ban(background, "203.0.113.7", until)
		expectIs(t, "a ban until "+until.String(), err, pm.ErrInvalidArgument)
	}
	expectIs(t, "no such ban", m.Unban(background, "203.0.113.7"), pm.ErrNotFound)
	_, err := m.Ban(noContext, "203.0.113.7", pm.ForGood)
	expectIs(t, "no context", err, pm.ErrInvalidArgument)
	expectIs(t, "no context to unban", m.Unban(noContext, "203.0.113.7"), pm.ErrInvalidArgument)
	ended, end := context.WithCancel(background)
	end()
	_, err = m.Ban(ended, "203.0.113.7", pm.ForGood)
	expectIs(t, "a context that ended", err, context.Canceled)
	_, err = m.IsBanned(pm.Address{})
	expectIs(t, "whether no address is banned", err, pm.ErrInvalidAddress)
	expect(t, "the number of peers", m.PeerCount(), 1)
	bans, err := m.Bans()
	must(t, err)
	expect(t, "the number of bans", len(bans), 0)
}

func TestTheEndOfABanIsAnyTimeThatGoHas(t *testing.T) {
	m := open(t, pm.Options{})
	for _, given := range []struct{ until, want time.Time }{
		{time.Unix(math.MaxInt64, 0), pm.ForGood}, {time.Unix(math.MaxInt64-1, 0), pm.ForGood},
		{time.Date(9999, 12, 31, 23, 59, 59, 5e8, time.FixedZone("", 3600)), time.Date(9999, 12, 31, 22, 59, 59, 0, time.UTC)},
	} {
		ban(t, m, "203.0.113.7", given.until, 0)
		bans, err := m.Bans()
		must(t, err)
		if !slices.Equal(bans, []pm.Ban{{Subject: "203.0.113.7", Until: given.want}}) {
			t.Errorf("until %v: %v", given.until, bans)
		}
		expect(t, "banned", isBanned(t, m, "203.0.113.7"), true)
	}
}
