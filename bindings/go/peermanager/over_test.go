package peermanager_test

import (
	"slices"
	"testing"
	"time"

	"peer-manager.example/go/internal/inc"
	pm "peer-manager.example/go/peermanager"
)

// What a call costs over the same call of C, in one run: the two take turns, so that both have the same share of a busy
// machine. The figure is the median of the differences.

const turn = 1000 // calls

func over(b *testing.B, inGo func(), inC func(times int) error) {
	b.Helper()
	var differences, costs []float64
	b.ResetTimer()
	for b.Loop() {
		begin := time.Now()
		for range turn {
			inGo()
		}
		between := time.Now()
		must(b, inC(turn))
		end := time.Now()
		costs = append(costs, float64(end.Sub(between))/turn)
		differences = append(differences, float64(between.Sub(begin)-end.Sub(between))/turn)
	}
	b.ReportMetric(0, "ns/op") // of a thousand of both, which says nothing
	b.ReportMetric(median(costs), "ns-in-C")
	b.ReportMetric(median(differences), "ns-over-C")
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

func BenchmarkLoadOverC(b *testing.B) {
	m := filled(b, pm.Options{}, benchmarked)
	c := filledInC(b)
	address := parse(b, "11.0.7.1")
	over(b, func() {
		if _, err := m.Load(address); err != nil {
			b.Fatal(err)
		}
	}, c.Load)
}

func BenchmarkLoadRandomPeers50OverC(b *testing.B) {
	m := filled(b, pm.Options{}, benchmarked)
	c := filledInC(b)
	query := pm.Query{TypeFilter: pm.FilterAny}
	over(b, func() {
		if drawn, err := m.LoadRandomPeers(query, 50); err != nil || len(drawn) != 50 {
			b.Fatal(len(drawn), err)
		}
	}, func(times int) error { return c.Draw(50, times) })
}

func filledInC(b *testing.B) *inc.Manager {
	b.Helper()
	c, err := inc.Filled(benchmarked)
	must(b, err)
	b.Cleanup(c.Close)
	return c
}
