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
		if _, err := m.Load(address); err != nil { // must would cost as much as the call
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdateBackoff(b *testing.B) {
	m := filled(b, pm.Options{}, benchmarked)
	address := parse(b, "11.0.7.1")
	for b.Loop() {
		if err := m.UpdateBackoff(background, address, pm.BackoffIncrease); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdateBackoffWithAClockInGo(b *testing.B) {
	clock := &simulated{}
	m := filled(b, pm.Options{Clock: clock.read}, benchmarked)
	address := parse(b, "11.0.7.1")
	for b.Loop() {
		if err := m.UpdateBackoff(background, address, pm.BackoffIncrease); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdateBackoffOnDisk(b *testing.B) {
	m, _ := openFile(b, pm.DurabilityCommit)
	address := parse(b, "11.0.7.1")
	for b.Loop() {
		if err := m.UpdateBackoff(background, address, pm.BackoffIncrease); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdateBackoffOnDiskWithAContextThatMayEnd(b *testing.B) { // in a goroutine of its own
	m, _ := openFile(b, pm.DurabilityCommit)
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	address := parse(b, "11.0.7.1")
	for b.Loop() {
		if err := m.UpdateBackoff(ctx, address, pm.BackoffIncrease); err != nil {
			b.Fatal(err)
		}
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
		if _, err := pm.ParseAddress("1.2.3.4:11625", 0); err != nil {
			b.Fatal(err)
		}
	}
}
