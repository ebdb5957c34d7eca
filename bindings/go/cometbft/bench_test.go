package cometbft_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cometbft/cometbft/p2p/pex"

	"peer-manager.example/go/cometbft"
)

// BenchmarkBook compares the book, in memory and in a file, with CometBFT's own, each with 1,000 addresses, half of them good.
func BenchmarkBook(b *testing.B) {
	const size = 1000
	all := (&random{rand.New(rand.NewPCG(1, 0)), make(map[string]bool)}).addresses(2 * size)
	known, others := all[:size], all[size:]
	for _, kind := range []struct {
		name string
		open func() pex.AddrBook
	}{
		{"theirs", func() pex.AddrBook { return pex.NewAddrBook(tempFile(b), true) }},
		{"memory", func() pex.AddrBook { return open(b, cometbft.Options{Strict: true}) }},
		{"file", func() pex.AddrBook { return open(b, cometbft.Options{Path: tempFile(b), Strict: true}) }},
	} {
		book := kind.open()
		for i, addr := range known {
			must(b, book.AddAddress(addr, all[(i*7)%len(all)]))
			if i%2 == 0 {
				book.MarkGood(addr.ID)
			}
		}
		for what, call := range map[string]func(i int){
			"add":    func(i int) { _ = book.AddAddress(others[i%size], known[i%size]); book.RemoveAddress(others[i%size]) },
			"again":  func(i int) { _ = book.AddAddress(known[i%size], known[0]) },
			"good":   func(i int) { book.MarkGood(known[i%size/2*2].ID) },
			"has":    func(i int) { book.HasAddress(known[i%size]) },
			"pick":   func(i int) { book.PickAddress(bias) },
			"select": func(i int) { book.GetSelectionWithBias(bias) },
		} {
			b.Run(fmt.Sprintf("%s/%s", what, kind.name), func(b *testing.B) {
				for i := range b.N {
					call(i)
				}
			})
		}
	}
}
