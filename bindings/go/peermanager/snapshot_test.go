package peermanager_test

import (
	"fmt"
	"math"
	"sync"
	"testing"

	pm "peer-manager.example/go/peermanager"
)

// filled is a manager of so many peers.
func filled(t testing.TB, options pm.Options, count int) *pm.Manager {
	t.Helper()
	m := open(t, options)
	addresses := make([]pm.Address, count)
	for i := range addresses {
		addresses[i] = parse(t, fmt.Sprintf("%d.%d.%d.1", i>>16&0x7f+11, i>>8&0xff, i&0xff))
	}
	inserted, err := m.EnsureExistsMany(background, addresses)
	must(t, err)
	expect(t, "the number of new peers", inserted, count)
	return m
}

func TestASnapshotIsOneMoment(t *testing.T) {
	for _, count := range []int{0, 1, 63, 64, 65, 200} {
		m := filled(t, pm.Options{}, count)
		snapshot, err := m.Snapshot()
		must(t, err)
		must(t, m.ClearAll(background))
		must(t, m.Close()) // the snapshot outlives it
		expect(t, "the length", snapshot.Len(), count)
		seen := make(map[pm.Address]bool)
		index := 0
		for record := range snapshot.All() {
			at, err := snapshot.At(index)
			must(t, err)
			expect(t, "the record", at, record)
			seen[record.Address] = true
			index++
		}
		expect(t, "the number of peers", len(seen), count)
		for range snapshot.All() {
			break
		}
		for _, index := range []int{-1, count, math.MaxInt, math.MinInt} {
			_, err := snapshot.At(index)
			expectIs(t, fmt.Sprint("the index ", index), err, pm.ErrInvalidArgument)
			_, err = snapshot.HistoryAt(index)
			expectIs(t, fmt.Sprint("the history at ", index), err, pm.ErrInvalidArgument)
			_, err = snapshot.DataAt(index)
			expectIs(t, fmt.Sprint("the data at ", index), err, pm.ErrInvalidArgument)
		}
		must(t, snapshot.Close())
	}
}

func TestAClosedSnapshotIsEmpty(t *testing.T) {
	snapshot, err := filled(t, pm.Options{}, 200).Snapshot()
	must(t, err)
	all := snapshot.All()
	count := 0
	for range all { // what has begun is finished
		if count == 0 {
			must(t, snapshot.Close())
		}
		count++
	}
	expect(t, "the number of peers", count, 200)
	for _, closed := range []*pm.Snapshot{snapshot, {}, nil} {
		for range closed.All() {
			t.Error("a peer of a closed snapshot")
		}
		expect(t, "the length", closed.Len(), 0)
		_, err = closed.At(0)
		expectIs(t, "a peer", err, pm.ErrClosed)
		_, err = closed.HistoryAt(0)
		expectIs(t, "a history", err, pm.ErrClosed)
		_, err = closed.DataAt(0)
		expectIs(t, "data", err, pm.ErrClosed)
		must(t, closed.Close())
	}
}

func TestManyGoroutinesReadOneSnapshot(t *testing.T) {
	snapshot, err := filled(t, pm.Options{}, 1000).Snapshot()
	must(t, err)
	var all sync.WaitGroup
	for n := range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			count := 0
			for range snapshot.All() {
				count++
			}
			if n == 0 {
				must(t, snapshot.Close())
			} else if count != 0 && count != 1000 {
				t.Errorf("%d peers of 1000", count)
			}
		}()
	}
	all.Wait()
}

func TestManyGoroutinesUseOneManager(t *testing.T) {
	for _, durability := range []pm.Durability{pm.DurabilityCommit, pm.DurabilityDeferred} {
		m, _ := openFile(t, durability)
		var all sync.WaitGroup
		for n := range 8 {
			all.Add(1)
			go func() {
				defer all.Done()
				for i := range 50 {
					address := parse(t, fmt.Sprintf("8.8.%d.%d", n, i))
					must(t, m.Update(background, address, pm.TypeOutbound, false, pm.BackoffIncrease))
					_, err := m.LoadRandomPeers(pm.Query{}, 5)
					must(t, err)
					_, err = m.Load(address)
					must(t, err)
				}
			}()
		}
		all.Wait()
		expect(t, "the number of peers", m.PeerCount(), 400)
	}
}
