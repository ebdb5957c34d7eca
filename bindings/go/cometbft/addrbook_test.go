package cometbft_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/pex"

	"peer-manager.example/go/cometbft"
)

// What the tests of CometBFT's own book expect of a book (p2p/pex/addrbook_test.go), as scenarios of this one.

// bias is the one that CometBFT's seeds tell others about new addresses with.
const bias = 30

func TestPickAddressPicksOfTheKindThatIsThere(t *testing.T) {
	book := open(t, cometbft.Options{Path: tempFile(t), Strict: true})
	for _, bias := range []int{-1, 0, 50, 100, 101} {
		expect(t, "an address of an empty book", book.PickAddress(bias), nil)
	}
	addr := newRandom(t).address()
	must(t, book.AddAddress(addr, addr))
	for _, bias := range []int{0, 50, 100} {
		expect(t, fmt.Sprintf("the new address, bias %d", bias), book.PickAddress(bias).String(), addr.String())
	}
	book.MarkGood(addr.ID)
	for _, bias := range []int{0, 50} {
		expect(t, fmt.Sprintf("the old address, bias %d", bias), book.PickAddress(bias).String(), addr.String())
	}
	expect(t, "a new address where there is only an old one", book.PickAddress(100), nil)
}

func TestAnAddressThatWaitsIsPickedWhenThereIsNoOther(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{})
	failed, fine := r.address(), r.address()
	must(t, book.AddAddress(failed, failed))
	for range 5 {
		book.MarkAttempt(failed)
	}
	expect(t, "the only address", book.PickAddress(100).String(), failed.String())
	must(t, book.AddAddress(fine, fine))
	for range 50 {
		expect(t, "the one that is due", book.PickAddress(100).String(), fine.String())
	}
}

func TestTheBiasDecidesBetweenNewAndOld(t *testing.T) {
	const old, fresh, picks = 9, 16, 20_000
	book := open(t, cometbft.Options{})
	fill(t, book, newRandom(t), old, fresh)
	for _, bias := range []int{0, 10, 50, 90, 100} {
		weightOld, weightNew := math.Sqrt(old)*float64(100-bias), math.Sqrt(fresh)*float64(bias)
		expected := weightOld / (weightOld + weightNew)
		picked := 0
		for range picks {
			if book.IsGood(book.PickAddress(bias)) {
				picked++
			}
		}
		// Six standard deviations: by chance it is off once in 10^9 runs.
		slack := 6 * math.Sqrt(expected*(1-expected)/picks)
		if share := float64(picked) / picks; math.Abs(share-expected) > slack {
			t.Errorf("with bias %d, %.3f of the picked are old instead of %.3f", bias, share, expected)
		}
	}
}

func TestANetgroupIsPickedAndThenAnAddressOfIt(t *testing.T) {
	const picks = 2000
	r := newRandom(t)
	book := open(t, cometbft.Options{})
	alone := parse(t, string(r.id())+"@9.9.9.9:26656")
	must(t, book.AddAddress(alone, r.address()))
	for i := range 100 {
		must(t, book.AddAddress(parse(t, fmt.Sprintf("%s@8.8.1.%d:26656", r.id(), i+1)), alone))
	}
	share := 0
	for range picks {
		if book.PickAddress(100).Equals(alone) {
			share++
		}
	}
	if slack := 6 * math.Sqrt(picks/4.0); math.Abs(float64(share)-picks/2) > slack { // six standard deviations
		t.Errorf("the one address of its netgroup was picked %d times of %d", share, picks)
	}
}

func TestABookIsThereAgainAfterARestart(t *testing.T) {
	options := cometbft.Options{Path: tempFile(t), Strict: true}
	book := open(t, options)
	book.Save()
	must(t, book.Start())
	expect(t, "whether a new book is empty", book.Empty(), true)
	all := newRandom(t).addresses(100)
	for i, addr := range all {
		must(t, book.AddAddress(addr, addr))
		if i%3 == 0 {
			book.MarkGood(addr.ID)
		}
	}
	book.Save()
	must(t, book.Stop())

	book = open(t, options)
	must(t, book.Start())
	expect(t, "the size", book.Size(), 100)
	for i, addr := range all {
		expect(t, "whether it is there", book.HasAddress(addr), true)
		expect(t, "whether it is good", book.IsGood(addr), i%3 == 0)
	}
	for _, addr := range book.GetSelection() {
		found := slices.IndexFunc(all, func(other *p2p.NetAddress) bool { return other.Equals(addr) })
		expect(t, "whether a selected address is one of them", found >= 0, true)
	}
}

func TestAFileHasOneBookAtATime(t *testing.T) {
	options := cometbft.Options{Path: tempFile(t)}
	open(t, options)
	if book, err := cometbft.Open(options); err == nil {
		must(t, book.Close())
		t.Error("a second book has the file, too")
	}
}

func TestWhatWasAddedIsFound(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{Strict: true})
	for _, addr := range r.addresses(100) {
		must(t, book.AddAddress(addr, r.address()))
		expect(t, "whether it is there", book.HasAddress(addr), true)
	}
}

func TestPromotionMovesAddressesAndKeepsTheirNumber(t *testing.T) {
	book := open(t, cometbft.Options{Strict: true})
	all := newRandom(t).addresses(100)
	for _, addr := range all {
		must(t, book.AddAddress(addr, addr))
		book.MarkAttempt(addr)
	}
	for i, addr := range all {
		if i%2 == 0 {
			book.MarkGood(addr.ID)
		}
	}
	expect(t, "the size", book.Size(), 100)
	expect(t, "the size of a selection", len(book.GetSelection()), 32)
	expect(t, "the size of a selection with bias", len(book.GetSelectionWithBias(bias)), 32)
	for i, addr := range all {
		expect(t, "whether it is good", book.IsGood(addr), i%2 == 0)
	}
}

func TestDuplicatesAreAddedOnce(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{Strict: true})
	other := r.address()
	for _, addr := range r.addresses(100) {
		must(t, book.AddAddress(addr, addr))
		must(t, book.AddAddress(addr, addr))
		must(t, book.AddAddress(addr, other))
	}
	expect(t, "the size", book.Size(), 100)
}

func TestRemovedAddressesAreGone(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{Strict: true})
	addr := r.address()
	must(t, book.AddAddress(addr, addr))
	expect(t, "the size", book.Size(), 1)
	expect(t, "whether it is there", book.HasAddress(addr), true)
	book.RemoveAddress(r.address())
	expect(t, "the size", book.Size(), 1)
	book.RemoveAddress(addr)
	expect(t, "the size", book.Size(), 0)
	expect(t, "whether it is there", book.HasAddress(addr), false)
	expect(t, "whether the book is empty", book.Empty(), true)
}

func TestASelectionHasTheSizeThatCometBFTHas(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{Strict: true})
	expect(t, "the selection of an empty book", len(book.GetSelection()), 0)
	for _, step := range []struct{ size, selected int }{
		{1, 1}, {31, 31}, {32, 32}, {139, 32}, {140, 32}, {200, 46}, {1086, 249}, {1090, 250}, {1200, 250},
	} {
		fill(t, book, r, 0, step.size-book.Size())
		selection := book.GetSelection()
		expect(t, fmt.Sprintf("a selection of %d", step.size), len(selection), step.selected)
		seen := make(map[string]bool)
		for _, addr := range selection {
			expect(t, "whether it is selected twice", seen[addr.String()], false)
			expect(t, "whether it is in the book", book.HasAddress(addr), true)
			seen[addr.String()] = true
		}
	}
	expect(t, "whether 1,200 addresses are too few", book.NeedMoreAddrs(), false)
}

func TestASelectionIsOfNewAndOldAlike(t *testing.T) {
	const old, fresh, rounds = 60, 40, 500
	book := open(t, cometbft.Options{})
	fill(t, book, newRandom(t), old, fresh)
	good := 0
	for range rounds {
		for _, addr := range book.GetSelection() {
			if book.IsGood(addr) {
				good++
			}
		}
	}
	share, expected := float64(good)/(32*rounds), float64(old)/(old+fresh)
	// Drawing without replacement varies less than this; six standard deviations.
	if slack := 6 * math.Sqrt(expected*(1-expected)/(32*rounds)); math.Abs(share-expected) > slack {
		t.Errorf("%.3f of the selected are good instead of %.3f", share, expected)
	}
}

func TestASelectionWithBiasHasTheBias(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{Strict: true})
	expect(t, "whether the selection of an empty book is nil", book.GetSelectionWithBias(bias) == nil, true)
	fill(t, book, r, 81, 20)
	good := 0
	selection := book.GetSelectionWithBias(bias)
	for _, addr := range selection {
		if book.IsGood(addr) {
			good++
		}
	}
	expect(t, "the size of the selection", len(selection), 32)
	expect(t, "the good of them", good, 22) // 70 per cent, rounded
}

func TestASelectionWithBiasIsNewAddressesAndThenOldOnes(t *testing.T) {
	r := newRandom(t)
	sizes := make([]int, 0, 33)
	for size := 1; size < 32; size++ {
		sizes = append(sizes, size)
	}
	for _, size := range append(sizes, 33+r.IntN(67), 100+r.IntN(75)) {
		book := open(t, cometbft.Options{Strict: true})
		all := r.addresses(size)
		for _, addr := range all {
			must(t, book.AddAddress(addr, addr))
		}
		for old := 0; ; old++ { // each number of old addresses
			checkLayout(t, book, size, old)
			if old == size {
				break
			}
			book.MarkGood(all[old].ID)
		}
	}
}

// checkLayout expects as many new addresses as the bias says, or more if there are too few old ones, before the old ones.
func checkLayout(t *testing.T, book *cometbft.Book, size, old int) {
	t.Helper()
	what := fmt.Sprintf("of %d addresses, %d of them old: ", size, old)
	selection := book.GetSelectionWithBias(bias)
	total := max(min(32, size), size*23/100)
	expect(t, what+"the size of the selection", len(selection), total)
	fresh := min(size-old, max(int(math.Round(bias/100.0*float64(total))), total-old))
	for i, addr := range selection {
		expect(t, fmt.Sprintf("%swhether number %d is good", what, i), book.IsGood(addr), i >= fresh)
	}
}

func TestABannedNodeIsReinstatedAsNew(t *testing.T) {
	for _, good := range []bool{false, true} {
		clock := newClock()
		book := open(t, cometbft.Options{Path: tempFile(t), Strict: true, Clock: clock.now})
		addr := newRandom(t).address()
		must(t, book.AddAddress(addr, addr))
		if good {
			book.MarkGood(addr.ID)
		}
		book.MarkBad(addr, 10*second)
		for range 2 {
			expect(t, "whether a banned node is there", book.HasAddress(addr), false)
			expect(t, "whether it is banned", book.IsBanned(addr), true)
			refused[pex.ErrAddressBanned](t, "adding it", book.AddAddress(addr, addr))
			book.ReinstateBadPeers()
			clock.turn(9 * second)
		}
		// The second turn went beyond the end.
		expect(t, "whether it is banned when the ban has ended", book.IsBanned(addr), false)
		expect(t, "the size before it is reinstated", book.Size(), 0)
		book.ReinstateBadPeers()
		expect(t, "the size", book.Size(), 1)
		expect(t, "whether it is there again", book.HasAddress(addr), true)
		expect(t, "whether it is good", book.IsGood(addr), false)
		book.ReinstateBadPeers()
		expect(t, "the size", book.Size(), 1)
	}
}

const second = time.Second

func TestABookWithoutOthersIsEmpty(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{Strict: true})
	expect(t, "whether a new book is empty", book.Empty(), true)
	book.AddOurAddress(r.address())
	expect(t, "whether it is with our address", book.Empty(), true)
	book.AddPrivateIDs([]string{string(r.id()), string(r.id())})
	expect(t, "whether it is with private ids", book.Empty(), true)
	must(t, book.AddAddress(r.address(), r.address()))
	expect(t, "whether it is with an address", book.Empty(), false)
}

func TestPrivateNodesAreNeitherAddedNorHeeded(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{Strict: true})
	private := r.addresses(10)
	known := private[0]
	must(t, book.AddAddress(known, known))
	for _, addr := range private {
		book.AddPrivateIDs([]string{string(addr.ID), "not an id"})
	}
	expect(t, "the size without the one that became private", book.Size(), 0)
	for _, addr := range private {
		refused[pex.ErrAddrBookPrivate](t, "adding a private node", book.AddAddress(addr, r.address()))
		refused[pex.ErrAddrBookPrivateSrc](t, "adding what it tells", book.AddAddress(r.address(), addr))
	}
	expect(t, "the size", book.Size(), 0)
}

func TestANodeIsNotMovedByOthers(t *testing.T) {
	const id, source = "678503e6c8f50db7279c7da3cb9b072aac4bc0d5", "b0dd378c3fbc4c156cd6d302a799f0d2e4227201"
	book := open(t, cometbft.Options{Strict: true})
	real, wrong := parse(t, id+"@1.1.1.1:26656"), parse(t, id+"@2.2.2.2:26656")
	src := parse(t, source+"@159.89.121.174:26656")
	must(t, book.AddAddress(real, src))
	check := func() {
		t.Helper()
		for range 10 {
			must(t, book.AddAddress(wrong, src))
			for _, addr := range book.GetSelection() {
				expect(t, "the address", addr.String(), real.String())
			}
		}
		expect(t, "the size", book.Size(), 1)
	}
	check()
	book.MarkAttempt(real)
	book.MarkGood(real.ID)
	must(t, book.AddAddress(real, src))
	check()
}
