package peermanager_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

func TestEveryStatusHasItsSentinelAndName(t *testing.T) {
	sentinels := map[pm.Status]error{
		pm.StatusInvalidArgument: pm.ErrInvalidArgument, pm.StatusInvalidAddress: pm.ErrInvalidAddress,
		pm.StatusNotFound: pm.ErrNotFound, pm.StatusDatabase: pm.ErrDatabase, pm.StatusCorrupt: pm.ErrCorrupt,
		pm.StatusBusy: pm.ErrBusy, pm.StatusDiskFull: pm.ErrDiskFull, pm.StatusLimit: pm.ErrLimit,
		pm.StatusUnsupported: pm.ErrUnsupported, pm.StatusInternal: pm.ErrInternal,
		pm.StatusRefused: pm.ErrRefused, pm.StatusNoMemory: pm.ErrNoMemory,
	}
	for status, sentinel := range sentinels {
		for other, target := range sentinels {
			err := fmt.Errorf("wrapped: %w", &pm.Error{Status: status})
			if errors.Is(err, target) != (status == other) {
				t.Errorf("%v is taken for %v, or not for itself", status, other)
			}
		}
		if status.String() == "UNKNOWN" || sentinel == nil {
			t.Errorf("%d has no name", status)
		}
	}
	expect(t, "the name of a status", pm.StatusDiskFull.String(), "DISK_FULL")
	expect(t, "the name of what is no status", pm.Status(99).String(), "UNKNOWN")
	expect(t, "what a newer status is", errors.Unwrap(&pm.Error{Status: 99}), nil)
}

func TestErrorsOfTheLibrary(t *testing.T) {
	directory := t.TempDir()
	garbage := filepath.Join(directory, "garbage.db")
	must(t, os.WriteFile(garbage, []byte("this is no database, however long it is looked at"), 0o600))
	taken := filepath.Join(directory, "taken.db")
	open(t, pm.Options{Path: taken})
	for what, given := range map[string]struct {
		options pm.Options
		want    error
	}{
		"a damaged file":      {pm.Options{Path: garbage}, pm.ErrCorrupt},
		"a file in use":       {pm.Options{Path: taken, BusyTimeout: time.Millisecond}, pm.ErrBusy},
		"no directory":        {pm.Options{Path: filepath.Join(directory, "none", "peers.db")}, pm.ErrDatabase},
		"a NUL":               {pm.Options{Path: taken + "\x00x"}, pm.ErrInvalidArgument},
		"not UTF-8":           {pm.Options{Path: directory + "/\xff"}, pm.ErrInvalidArgument},
		"more than all":       {pm.Options{ShareMaxPercent: 101}, pm.ErrInvalidArgument},
		"durability":          {pm.Options{Durability: 3}, pm.ErrInvalidArgument},
		"on corrupt":          {pm.Options{OnCorrupt: math.MaxUint32}, pm.ErrInvalidArgument},
		"a negative time":     {pm.Options{BusyTimeout: -1}, pm.ErrInvalidArgument},
		"a negative interval": {pm.Options{FlushInterval: -time.Hour}, pm.ErrInvalidArgument},
		"a negative age":      {pm.Options{ShareCache: -1}, pm.ErrInvalidArgument},
		"a time of a century": {pm.Options{BusyTimeout: math.MaxInt64}, pm.ErrInvalidArgument},
	} {
		m, err := pm.Open(background, given.options)
		expectIs(t, what, err, given.want)
		var refusal *pm.Error
		if !errors.As(err, &refusal) || refusal.Message == "" || refusal.Message != err.Error() {
			t.Errorf("%s: %#v", what, err)
		}
		if m != nil {
			t.Errorf("%s: opened all the same", what)
		}
		if given.want == pm.ErrCorrupt && refusal.SQLiteCode == 0 {
			t.Errorf("%s: without SQLite's code", what)
		}
	}
}

func TestWrongArgumentsAreErrorsAndDoNothing(t *testing.T) {
	m := open(t, pm.Options{})
	address := parse(t, "1.2.3.4")
	query := pm.Query{TypeFilter: 6}
	excluding := pm.Query{Exclude: []pm.Address{{}}}
	_, unknownFilter := m.LoadRandomPeers(query, 1)
	_, excluded := m.LoadRandomPeers(excluding, 1)
	_, negative := m.LoadRandomPeers(pm.Query{}, -1)
	_, negativeToSend := m.PeersToSend(nil, pm.Address{}, math.MinInt)
	_, purpose := m.NextToDial(2, nil, 1)
	_, negativeToDial := m.NextToDial(pm.PurposeConnect, nil, -1)
	_, busy := m.NextToDial(pm.PurposeFeeler, []pm.Address{address, {}}, 1)
	_, networks := m.LoadRandomPeers(pm.Query{Networks: 32}, 1)
	_, seniority := m.LoadRandomPeers(pm.Query{Seniority: 65}, 1)
	_, shareKey := m.PeersToSend(&pm.Query{ShareKey: 16}, pm.Address{}, 1)
	_, filterToSend := m.PeersToSend(&query, pm.Address{}, 1)
	for what, given := range map[string]struct{ err, want error }{
		"a type to update":        {m.UpdateType(background, address, 3, false), pm.ErrInvalidArgument},
		"a type and a back-off":   {m.Update(background, address, math.MaxUint32, false, 0), pm.ErrInvalidArgument},
		"a back-off":              {m.UpdateBackoff(background, address, 3), pm.ErrInvalidArgument},
		"a type to store":         {m.Store(background, pm.Record{Address: address, PeerType: 3}), pm.ErrInvalidArgument},
		"many to store":           {m.StoreMany(background, []pm.Record{{Address: address}, {}}), pm.ErrInvalidAddress},
		"a filter":                {unknownFilter, pm.ErrInvalidArgument},
		"no address to leave out": {excluded, pm.ErrInvalidAddress},
		"a negative size":         {negative, pm.ErrInvalidArgument},
		"the most negative size":  {negativeToSend, pm.ErrInvalidArgument},
		"a filter for sending":    {filterToSend, pm.ErrInvalidArgument},
		"a purpose":               {purpose, pm.ErrInvalidArgument},
		"a negative size to dial": {negativeToDial, pm.ErrInvalidArgument},
		"no address that is busy": {busy, pm.ErrInvalidAddress},
		"networks":                {networks, pm.ErrInvalidArgument},
		"a seniority":             {seniority, pm.ErrInvalidArgument},
		"a key to share by":       {shareKey, pm.ErrInvalidArgument},
		"no address of one's own": {m.SetOwnAddresses(background, make([]pm.Address, 1)), pm.ErrInvalidAddress},
		"no context":              {m.EnsureExists(noContext, address), pm.ErrInvalidArgument},
		"no context to flush":     {m.Flush(noContext), pm.ErrInvalidArgument},
	} {
		expectIs(t, what, given.err, given.want)
	}
	expect(t, "the number of peers", m.PeerCount(), 0)
}

func TestEnumeratorsHaveNames(t *testing.T) {
	for _, given := range []struct {
		value fmt.Stringer
		want  string
	}{
		{pm.TypeInbound, "inbound"}, {pm.TypeOutbound, "outbound"}, {pm.TypePreferred, "preferred"},
		{pm.PeerType(3), "PeerType(3)"}, {pm.BackoffHardReset, "hard reset"}, {pm.BackoffReset, "reset"},
		{pm.BackoffIncrease, "increase"}, {pm.Backoff(9), "Backoff(9)"}, {pm.DurabilityCommit, "commit"},
		{pm.DurabilitySync, "sync"}, {pm.DurabilityDeferred, "deferred"}, {pm.OnCorruptFail, "fail"},
		{pm.OnCorruptQuarantine, "quarantine"}, {pm.FilterInboundOnly, "inbound only"},
		{pm.FilterOutboundOnly, "outbound only"}, {pm.FilterPreferredOnly, "preferred only"},
		{pm.PurposeConnect, "connect"}, {pm.PurposeFeeler, "feeler"}, {pm.Purpose(2), "Purpose(2)"},
		{pm.Networks(0), "all"}, {pm.NetworkIPv4, "ipv4"}, {pm.NetworkIPv6 | pm.NetworkI2P, "ipv6|i2p"},
		{pm.NetworkOnion | pm.NetworkName | 96, "onion|name|Networks(96)"},
		{pm.FilterAnyOutbound, "any outbound"}, {pm.FilterAny, "any"}, {pm.FilterNotPreferred, "not preferred"},
		{pm.ReachSpecification, "specification"}, {pm.ReachPublic, "public"}, {pm.ReachPrivate, "private"}, {pm.Reach(3), "Reach(3)"},
		{pm.TypeFilter(math.MaxUint32), "TypeFilter(4294967295)"},
	} {
		expect(t, given.want, given.value.String(), given.want)
	}
}
