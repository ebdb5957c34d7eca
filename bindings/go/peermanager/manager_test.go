package peermanager_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	pm "peer-manager.example/go/peermanager"
)

func TestTheLifeOfAPeer(t *testing.T) {
	for _, durability := range []pm.Durability{pm.DurabilityCommit, pm.DurabilitySync, pm.DurabilityDeferred} {
		t.Run(durability.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "peers.db")
			clock, seed := &simulated{}, uint64(7)
			clock.seconds.Store(1_700_000_000)
			options := pm.Options{Path: path, Durability: durability, RNGSeed: &seed, Clock: clock.read,
				FlushInterval: time.Hour}
			m, err := pm.Open(background, options)
			must(t, err)
			a, b := parse(t, "1.2.3.4"), parse(t, "example.org:7")
			inserted, err := m.EnsureExistsMany(background, []pm.Address{a, b, a})
			must(t, err)
			expect(t, "the number of new peers", inserted, 2)
			must(t, m.Update(background, a, pm.TypeOutbound, false, pm.BackoffIncrease))
			must(t, m.UpdateType(background, b, pm.TypePreferred, false))
			must(t, m.UpdateBackoff(background, b, pm.BackoffHardReset))
			record, err := m.Load(a)
			must(t, err)
			wait := record.NextAttempt.Unix() - 1_700_000_000
			if record.PeerType != pm.TypeOutbound || record.NumFailures != 1 || wait < 1 || wait > 20 {
				t.Errorf("after a failure it is %+v", record)
			}
			drawn, err := m.LoadRandomPeers(pm.Query{}, 5)
			must(t, err)
			if !slices.Equal(drawn, []pm.Address{b}) {
				t.Errorf("drew %v; only %v is due", drawn, b)
			}
			stats, err := m.Stats()
			must(t, err)
			if stats.Peers != 2 || stats.Outbound != 1 || stats.Preferred != 1 || stats.Durability != durability {
				t.Errorf("the counts are %+v", stats)
			}
			must(t, m.Flush(background))
			must(t, m.Remove(background, b)) // is pending with DEFERRED, and written by Close
			expectIs(t, "removed twice", m.Remove(background, b), pm.ErrNotFound)
			must(t, m.Close())

			m = open(t, options)
			again, err := m.Load(a)
			must(t, err)
			expect(t, "the record", again, record)
			expect(t, "the number of peers", m.PeerCount(), 1)
			removed, err := m.RemovePeersWithManyFailures(background, 1)
			must(t, err)
			expect(t, "the number of removed peers", removed, 1)
			must(t, m.EnsureExists(background, b))
			must(t, m.ClearAll(background))
			expect(t, "the number of peers", m.PeerCount(), 0)
		})
	}
}

func TestNoPeerWaitsBeyondTheLimit(t *testing.T) {
	m := open(t, pm.Options{})
	for port, seconds := range []int64{math.MinInt64, -1, 0, 1, math.MaxInt64} {
		address, err := pm.NewAddress("1.2.3.4", uint16(port+1))
		must(t, err)
		must(t, m.Store(background, pm.Record{Address: address, NextAttempt: time.Unix(seconds, 0), NumFailures: 7}))
	}
	for _, given := range []struct {
		latest time.Time
		want   int
	}{{time.Unix(1, 999), 1}, {time.Unix(0, 0), 2}, {time.Unix(-1, 1), 3}, {time.Unix(-1, 0), 0}} {
		changed, err := m.LimitNextAttempt(background, given.latest)
		must(t, err)
		expect(t, "the number that waited beyond "+given.latest.String(), changed, given.want)
		snapshot, err := m.Snapshot()
		must(t, err)
		for record := range snapshot.All() {
			if record.NextAttempt.Unix() > given.latest.Unix() || record.NumFailures != 7 {
				t.Errorf("after the limit %v: %+v", given.latest, record)
			}
		}
		must(t, snapshot.Close())
	}
}

func TestAPeerThatIsNeverDueIsSoForGoToo(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	m := open(t, pm.Options{Clock: func() time.Time { return now }})
	record := pm.Record{Address: parse(t, "1.2.3.4"), NextAttempt: time.Unix(math.MaxInt64, 0)}
	must(t, m.Store(background, record))
	for range 2 { // the second time, what was read is stored
		loaded, err := m.Load(record.Address)
		must(t, err)
		due, err := m.NextDue()
		must(t, err)
		expect(t, "the next time", due, loaded.NextAttempt)
		expect(t, "later than now, for Go", due.After(now) && now.Before(due) && due.Sub(now) > 0, true)
		expect(t, "ready a second before", loaded.IsReady(due.Add(-time.Second)), false)
		expect(t, "ready then", loaded.IsReady(due), true)
		changed, err := m.LimitNextAttempt(background, due)
		must(t, err)
		expect(t, "the number that waited longer", changed, 0)
		must(t, m.Store(background, loaded))
	}
}

func TestRecordsAreStoredAsTheyAre(t *testing.T) {
	m := open(t, pm.Options{})
	for _, seconds := range []int64{math.MinInt64, -1, 0, 1_700_000_000, 1 << 62} {
		record := pm.Record{Address: parse(t, "1.2.3.4"), NextAttempt: time.Unix(seconds, 999).UTC(),
			NumFailures: math.MaxUint32, PeerType: pm.TypePreferred}
		must(t, m.StoreMany(background, []pm.Record{{Address: record.Address}, record}))
		loaded, err := m.Load(record.Address)
		must(t, err)
		record.NextAttempt = time.Unix(seconds, 0).UTC()
		expect(t, "the record", loaded, record)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 5e8, time.FixedZone("", 3600))
	record, err := pm.NewRecord(parse(t, "example.org"), now)
	must(t, err)
	expect(t, "a new record", record,
		pm.Record{Address: parse(t, "example.org"), NextAttempt: now.Truncate(time.Second).UTC()})
	expect(t, "ready now", record.IsReady(now), true)
	expect(t, "ready a second before", record.IsReady(now.Add(-time.Second)), false)
	_, err = pm.NewRecord(pm.Address{}, now)
	expectIs(t, "a record of no address", err, pm.ErrInvalidAddress)
}

func TestADamagedFileIsSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers.db")
	must(t, os.WriteFile(path, []byte("no database"), 0o600))
	m := open(t, pm.Options{Path: path, OnCorrupt: pm.OnCorruptQuarantine})
	quarantine, err := m.Quarantine()
	must(t, err)
	kept, err := os.ReadFile(quarantine.Path)
	if err != nil || string(kept) != "no database" || quarantine.Saved != 0 {
		t.Errorf("%+v: it holds %q (%v)", quarantine, kept, err)
	}
	must(t, m.EnsureExists(background, parse(t, "1.2.3.4")))

	sound, _ := openFile(t, pm.DurabilityCommit)
	quarantine, err = sound.Quarantine()
	must(t, err)
	expect(t, "the quarantine of a sound file", quarantine, pm.Quarantine{})
}
