package cometbft_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/pex"

	"peer-manager.example/go/cometbft"
)

// TestTheAnswersAreThoseOfCometBFTsOwnBook does the same, at random, to both books, and compares what they answer. Each node
// has an address that no other has, and there are few enough that no bucket of CometBFT's is full: what the books do
// differently on purpose has tests of its own.
func TestTheAnswersAreThoseOfCometBFTsOwnBook(t *testing.T) {
	const nodes, steps = 80, 2500
	r := newRandom(t)
	theirs := pex.NewAddrBook(tempFile(t), true)
	ours := open(t, cometbft.Options{Path: tempFile(t), Strict: true})
	both := []pex.AddrBook{theirs, ours}
	all := r.addresses(nodes)
	node := func() *p2p.NetAddress { return all[r.IntN(nodes)] }
	for step := range steps {
		addr, src := node(), node()
		kind := r.IntN(100)
		what := fmt.Sprintf("step %d: ", step)
		switch {
		case kind < 50:
			what += fmt.Sprintf("add %v, told by %v", addr, src)
			wants, got := theirs.AddAddress(addr, src), ours.AddAddress(addr, src)
			expect(t, what, fmt.Sprintf("%T", got), fmt.Sprintf("%T", wants))
		case kind < 70:
			what += fmt.Sprintf("mark %v as good", addr)
			for _, book := range both {
				book.MarkGood(addr.ID)
			}
		case kind < 85:
			what += fmt.Sprintf("mark an attempt of %v", addr)
			for _, book := range both {
				book.MarkAttempt(addr)
			}
		case kind < 92:
			what += fmt.Sprintf("remove %v", addr)
			for _, book := range both {
				book.RemoveAddress(addr)
			}
		case kind < 97:
			what += fmt.Sprintf("mark %v as bad", addr)
			banTime := time.Hour
			if r.IntN(2) == 0 && !ours.IsGood(addr) { // CometBFT's never takes a good one back
				banTime = 0
			}
			for _, book := range both {
				book.MarkBad(addr, banTime)
				book.ReinstateBadPeers() // else a ban that has ended lasts on in CometBFT's
			}
		case kind < 98 && !ours.HasAddress(addr): // those that are there stay in CometBFT's
			what += fmt.Sprintf("make %v private", addr)
			for _, book := range both {
				book.AddPrivateIDs([]string{string(addr.ID)})
			}
		case kind < 99 && !ours.HasAddress(addr):
			what += fmt.Sprintf("make %v our own", addr)
			for _, book := range both {
				book.AddOurAddress(addr)
			}
		}
		compare(t, what, all, theirs, ours)
		if t.Failed() {
			return
		}
	}
}

func compare(t *testing.T, what string, all []*p2p.NetAddress, theirs, ours pex.AddrBook) {
	t.Helper()
	expect(t, what+": the size", ours.Size(), theirs.Size())
	expect(t, what+": whether it is empty", ours.Empty(), theirs.Empty())
	expect(t, what+": whether it needs more", ours.NeedMoreAddrs(), theirs.NeedMoreAddrs())
	expect(t, what+": the size of a selection", len(ours.GetSelection()), len(theirs.GetSelection()))
	expect(t, what+": the same with bias", len(ours.GetSelectionWithBias(bias)), len(theirs.GetSelectionWithBias(bias)))
	expect(t, what+": whether a new one is picked", ours.PickAddress(100) == nil, theirs.PickAddress(100) == nil)
	expect(t, what+": whether an old one is picked", ours.PickAddress(0) == nil, theirs.PickAddress(0) == nil)
	for _, addr := range all {
		expect(t, fmt.Sprintf("%s: whether %v is there", what, addr), ours.HasAddress(addr), theirs.HasAddress(addr))
		expect(t, fmt.Sprintf("%s: whether %v is banned", what, addr), ours.IsBanned(addr), theirs.IsBanned(addr))
		expect(t, fmt.Sprintf("%s: whether %v is ours", what, addr), ours.OurAddress(addr), theirs.OurAddress(addr))
		if theirs.HasAddress(addr) { // it panics for others
			expect(t, fmt.Sprintf("%s: whether %v is good", what, addr), ours.IsGood(addr), theirs.IsGood(addr))
		}
	}
}

func TestABookIsForManyGoroutines(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{Path: tempFile(t), MaxPeers: 100})
	must(t, book.Start())
	all := r.addresses(200)
	var group sync.WaitGroup
	for range 8 {
		seed := r.Uint64()
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range 300 {
				addr := all[(seed+uint64(i)*7919)%uint64(len(all))]
				switch i % 10 {
				case 0, 1, 2, 3:
					_ = book.AddAddress(addr, addr) // the book may be full
				case 4:
					book.MarkGood(addr.ID)
				case 5:
					book.MarkAttempt(addr)
				case 6:
					book.MarkBad(addr, 0)
					book.ReinstateBadPeers()
				case 7:
					book.RemoveAddress(addr)
				case 8:
					if picked := book.PickAddress(i % 101); picked != nil && picked.ID == "" {
						t.Error("an address without an id was picked")
					}
				default:
					if selected := len(book.GetSelectionWithBias(bias)); selected > 32 {
						t.Errorf("%d addresses were selected", selected)
					}
				}
			}
		}()
	}
	group.Wait()
	must(t, book.Check())
	must(t, book.Stop())
}
