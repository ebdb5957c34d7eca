package peermanager_test

import (
	"context"
	"testing"

	pm "peer-manager.example/go/peermanager"
)

// What a call costs, of a table of 10,000 peers in memory: the library's own cost, and that of crossing into C and back.

const benchmarked = 10_000

func BenchmarkPeerCount(b *testing.B) { // the cost of a cgo call, and of looking whether the manager is closed
	m := filled(b, pm.Options{}, benchmarked)
	for b.Loop() {
		m.PeerCount()
	}
}

func BenchmarkLoad(b *testing.B) {
	m := filled(b, pm.Options{}, benchmarked)
	address := parse(b, "11.0.7.1")
	for b.Loop() {
		_, err := m.Load(address)
		must(b, err)
	}
}

func BenchmarkUpdateBackoff(b *testing.B) {
	m := filled(b, pm.Options{}, benchmarked)
	address := parse(b, "11.0.7.1")
	for b.Loop() {
		must(b, m.UpdateBackoff(background, address, pm.BackoffIncrease))
	}
}

func BenchmarkUpdateBackoffWithAClockInGo(b *testing.B) {
	clock := &simulated{}
	m := filled(b, pm.Options{Clock: clock.read}, benchmarked)
	address := parse(b, "11.0.7.1")
	for b.Loop() {
		must(b, m.UpdateBackoff(background, address, pm.BackoffIncrease))
	}
}

func BenchmarkUpdateBackoffOnDisk(b *testing.B) {
	m, _ := openFile(b, pm.DurabilityCommit)
	address := parse(b, "11.0.7.1")
	for b.Loop() {
		must(b, m.UpdateBackoff(background, address, pm.BackoffIncrease))
	}
}

func BenchmarkUpdateBackoffOnDiskWithAContextThatMayEnd(b *testing.B) { // in a goroutine of its own
	m, _ := openFile(b, pm.DurabilityCommit)
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	address := parse(b, "11.0.7.1")
	for b.Loop() {
		must(b, m.UpdateBackoff(ctx, address, pm.BackoffIncrease))
	}
}

func BenchmarkLoadRandomPeers50(b *testing.B) {
	m := filled(b, pm.Options{}, benchmarked)
	query := pm.Query{TypeFilter: pm.FilterAny}
	for b.Loop() {
		drawn, err := m.LoadRandomPeers(query, 50)
		if err != nil || len(drawn) != 50 {
			b.Fatal(len(drawn), err)
		}
	}
}

func BenchmarkSnapshotOf10000(b *testing.B) {
	m := filled(b, pm.Options{}, benchmarked)
	for b.Loop() {
		snapshot, err := m.Snapshot()
		must(b, err)
		count := 0
		for range snapshot.All() {
			count++
		}
		must(b, snapshot.Close())
		if count != benchmarked {
			b.Fatal(count)
		}
	}
}

func BenchmarkParseAddress(b *testing.B) {
	for b.Loop() {
		_, err := pm.ParseAddress("1.2.3.4:11625", 0)
		must(b, err)
	}
}
