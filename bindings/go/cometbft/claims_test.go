package cometbft_test

import (
	"testing"

	"github.com/cometbft/cometbft/p2p"

	"peer-manager.example/go/cometbft"
	pm "peer-manager.example/go/peermanager"
)

// at is another node that is said to be at the address of this one.
func at(addr *p2p.NetAddress, id p2p.ID) *p2p.NetAddress {
	other := *addr
	other.ID = id
	return &other
}

func TestAnAddressIsClaimedForManyIDsUntilOneIsGood(t *testing.T) {
	r := newRandom(t)
	options := cometbft.Options{Path: tempFile(t)}
	book := open(t, options)
	real := r.address()
	must(t, book.AddAddress(real, r.address()))
	var wrong []*p2p.NetAddress
	for range 3 {
		addr := at(real, r.id())
		must(t, book.AddAddress(addr, r.address()))
		wrong = append(wrong, addr)
	}
	expect(t, "the number of addresses", book.Size(), 1)
	picked := make(map[p2p.ID]bool)
	for range 500 { // one is never picked: once in 10^62 runs
		picked[book.PickAddress(100).ID] = true
	}
	expect(t, "the number of ids that are tried", len(picked), 4)

	// Dialling a wrong one finds that out; that bans it, and not the address.
	book.MarkBad(wrong[0], 3600*second)
	expect(t, "whether the wrong one is there", book.HasAddress(wrong[0]), false)
	expect(t, "whether it is banned", book.IsBanned(wrong[0]), true)
	expect(t, "whether the right one is", book.IsBanned(real), false)
	expect(t, "whether the right one is there", book.HasAddress(real), true)
	book.RemoveAddress(wrong[1])
	expect(t, "whether the removed one is there", book.HasAddress(wrong[1]), false)
	expect(t, "whether the other one is there", book.HasAddress(wrong[2]), true)

	book.MarkGood(real.ID)
	expect(t, "whether the last wrong one is there", book.HasAddress(wrong[2]), false)
	refused[cometbft.ErrAddrBookAddressTaken](t, "claiming a good address", book.AddAddress(wrong[2], r.address()))
	must(t, book.Check())
	must(t, book.Close())

	book = open(t, options)
	expect(t, "whether it is good after a restart", book.IsGood(real), true)
	expect(t, "whether the wrong one is banned", book.IsBanned(wrong[0]), true)
	for range 50 {
		expect(t, "what is picked", book.PickAddress(0).String(), real.String())
	}

	book.MarkBad(real, 3600*second)
	expect(t, "the number of addresses", book.Size(), 0)
	must(t, book.AddAddress(wrong[2], r.address()))
	expect(t, "the new id there", book.PickAddress(100).ID, wrong[2].ID)
}

func TestANodeWithANewKeyIsFound(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{Path: tempFile(t)})
	before := r.address()
	must(t, book.AddAddress(before, r.address()))
	book.MarkGood(before.ID)
	after := at(before, r.id())
	refused[cometbft.ErrAddrBookAddressTaken](t, "adding it", book.AddAddress(after, r.address()))

	// Dialling the old one fails, since another one answers.
	book.MarkAttempt(before)
	must(t, book.AddAddress(after, r.address()))
	for range 3 * cometbft.MaxClaims { // and others that are not there
		must(t, book.AddAddress(at(before, r.id()), r.address()))
	}
	must(t, book.AddAddress(after, r.address()))
	expect(t, "whether the old one is good", book.IsGood(before), true)
	expect(t, "whether the new one is", book.IsGood(after), false)
	isPicked := false
	for range 500 {
		isPicked = isPicked || book.PickAddress(0).ID == after.ID
		expect(t, "whom others are told about", book.GetSelection()[0].ID, before.ID)
	}
	expect(t, "whether the new one is picked", isPicked, true)
	must(t, book.Check())

	book.RemoveAddress(before)
	expect(t, "whether the new one is good without the old one", book.IsGood(after), false)
	expect(t, "whether its address is a new one", book.PickAddress(100) == nil, false)
	expect(t, "the size", book.Size(), 1)
	book.MarkGood(after.ID)
	expect(t, "whether the new one is good", book.IsGood(after), true)
	for range 50 {
		expect(t, "what is picked", book.PickAddress(0).String(), after.String())
	}
	expect(t, "whether a new address is left", book.PickAddress(100), nil)
}

func TestAFloodOfWrongIDsDoesNotKeepTheRightOneOut(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{})
	real := r.address()
	for range 10 * cometbft.MaxClaims {
		must(t, book.AddAddress(at(real, r.id()), r.address()))
	}
	must(t, book.Check())
	left, err := book.Sweep()
	must(t, err)
	expect(t, "the number of claims", left, cometbft.MaxClaims)
	must(t, book.AddAddress(real, r.address()))
	expect(t, "whether the right one is there", book.HasAddress(real), true)
	expect(t, "the number of addresses", book.Size(), 1)
}

func TestANodeWhoseAddressWasEvictedIsNotTheNextOneThere(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{})
	before := r.address()
	must(t, book.AddAddress(before, r.address()))
	address, err := pm.ParseAddress(before.DialString(), 0)
	must(t, err)
	must(t, book.Manager().Remove(background, address)) // as the table does when it is full
	after := at(before, r.id())
	must(t, book.AddAddress(after, r.address()))
	expect(t, "whether the evicted one is there", book.HasAddress(before), false)
	book.MarkGood(before.ID)
	expect(t, "whether the other one is good", book.IsGood(after), false)
	book.RemoveAddress(before)
	expect(t, "whether the other one is there", book.HasAddress(after), true)
}

func TestAFullBookStaysRight(t *testing.T) {
	const most = 200
	r := newRandom(t)
	clock := newClock()
	book := open(t, cometbft.Options{Path: tempFile(t), Clock: clock.now, MaxPeers: most})
	good := r.addresses(20)
	for _, addr := range good {
		must(t, book.AddAddress(addr, addr))
		book.MarkGood(addr.ID)
	}
	fill(t, book, r, 0, most-len(good))
	expect(t, "the size", book.Size(), most)

	// Nothing speaks against those that are there.
	err := book.AddAddress(r.address(), r.address())
	expectIs(t, "adding one too many", err, pm.ErrLimit)

	// Those that fail make room, whichever comes.
	for range 20 * most {
		if addr := book.PickAddress(100); addr != nil {
			book.MarkAttempt(addr)
		}
		fresh := r.address()
		must(t, book.AddAddress(fresh, r.address()))
		expect(t, "whether the new one is there", book.HasAddress(fresh), true)
		expect(t, "the size", book.Size(), most)
		clock.turn(second)
	}
	must(t, book.Check())
	left, err := book.Sweep()
	must(t, err)
	expect(t, "the number of ids", left, most)
	for _, addr := range good {
		expect(t, "whether a good one is there still", book.IsGood(addr), true)
	}

	// Those that were not heard of for a week make room, without a failure.
	_, err = book.Manager().RemovePeersWithManyFailures(background, 1)
	must(t, err)
	fill(t, book, r, 0, most-book.Size())
	expectIs(t, "adding one too many", book.AddAddress(r.address(), r.address()), pm.ErrLimit)
	clock.turn(9 * 24 * 3600 * second)
	kept := r.address()
	must(t, book.AddAddress(kept, r.address()))
	expect(t, "the size", book.Size(), len(good)+1)
}

func TestGoodAddressesThatHaveDiedMakeRoom(t *testing.T) {
	const most = 50
	r := newRandom(t)
	clock := newClock()
	book := open(t, cometbft.Options{Clock: clock.now, MaxPeers: most})
	all := r.addresses(most)
	for _, addr := range all {
		must(t, book.AddAddress(addr, addr))
		book.MarkGood(addr.ID)
	}
	dead := all[r.IntN(most)]
	for range 10 {
		book.MarkAttempt(dead)
	}
	expectIs(t, "adding one when all were good lately", book.AddAddress(r.address(), r.address()), pm.ErrLimit)
	clock.turn(31 * 24 * 3600 * second)
	must(t, book.AddAddress(r.address(), r.address()))
	expect(t, "whether the dead one is there", book.HasAddress(dead), false)
	expectIs(t, "adding one when the others have not failed", book.AddAddress(r.address(), r.address()), pm.ErrLimit)
	expect(t, "the size", book.Size(), most)
}

func TestOneNetgroupDoesNotFillTheBook(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{Strict: true})
	most := cometbft.DefaultMaxPeersPerNetgroup
	for i := range 2 * most {
		addr := parse(t, string(r.id())+"@8.8.8.8:26656")
		addr.IP[14], addr.IP[15] = byte(i>>8), byte(i)
		err := book.AddAddress(addr, r.address())
		if i < most {
			must(t, err)
		} else {
			expectIs(t, "adding one of a full netgroup", err, pm.ErrLimit)
		}
	}
	expect(t, "the size", book.Size(), most)
	must(t, book.AddAddress(parse(t, string(r.id())+"@8.9.8.8:26656"), r.address()))
}
