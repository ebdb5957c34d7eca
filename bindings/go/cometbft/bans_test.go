package cometbft_test

import (
	"testing"
	"time"

	"github.com/cometbft/cometbft/p2p/pex"

	"peer-manager.example/go/cometbft"
	pm "peer-manager.example/go/peermanager"
)

func TestABanSurvivesARestartAndEndsOnTime(t *testing.T) {
	clock := newClock()
	options := cometbft.Options{Path: tempFile(t), Clock: clock.now}
	book := open(t, options)
	r := newRandom(t)
	addr := r.address()
	must(t, book.AddAddress(addr, addr))
	book.MarkBad(addr, 24*time.Hour)
	must(t, book.Close())

	book = open(t, options)
	clock.turn(24*time.Hour - second)
	expect(t, "whether it is banned a second before the end", book.IsBanned(addr), true)
	refused[pex.ErrAddressBanned](t, "adding it", book.AddAddress(addr, addr))
	refused[pex.ErrAddressBanned](t, "adding it elsewhere", book.AddAddress(at(r.address(), addr.ID), addr))
	clock.turn(second)
	expect(t, "whether it is banned at the end", book.IsBanned(addr), false)
	must(t, book.AddAddress(addr, addr))
}

func TestANodeThatIsBannedIsRemovedWhenTheBookIsOpened(t *testing.T) {
	r := newRandom(t)
	options := cometbft.Options{Path: tempFile(t)}
	book := open(t, options)
	banned, other := r.address(), r.address()
	must(t, book.AddAddress(banned, banned))
	must(t, book.AddAddress(other, other))
	must(t, book.AddAddress(at(other, r.id()), other))
	// As if the process had ended between the ban and the removal; and bans of no node.
	for _, subject := range []string{
		cometbft.BanSubject(banned.ID), cometbft.BanSubject(other.ID), "x" + cometbft.BanSubject(other.ID), "p2p-id.invalid",
	} {
		_, err := book.Manager().Ban(background, subject, pm.ForGood)
		must(t, err)
	}
	must(t, book.Close())
	book = open(t, options)
	expect(t, "whether the banned one is there", book.HasAddress(banned), false)
	expect(t, "whether the other one is", book.HasAddress(other), false)
	expect(t, "the size with another node at its address", book.Size(), 1)
}

func TestPartsOfASecondAreNotLostFromABan(t *testing.T) {
	clock := newClock()
	book := open(t, cometbft.Options{Clock: clock.now})
	addr := newRandom(t).address()
	must(t, book.AddAddress(addr, addr))
	book.MarkBad(addr, 1500*time.Millisecond)
	clock.turn(second)
	expect(t, "whether it is banned", book.IsBanned(addr), true)
	clock.turn(second)
	expect(t, "whether it is banned", book.IsBanned(addr), false)
}

func TestOnlyNodesInTheBookAreBanned(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{})
	addr := r.address()
	book.MarkBad(addr, time.Hour)
	expect(t, "whether an unknown node is banned", book.IsBanned(addr), false)
	must(t, book.AddAddress(addr, addr))
	// By the id: an inbound peer has another port.
	book.MarkBad(at(r.address(), addr.ID), time.Hour)
	expect(t, "whether it is banned", book.IsBanned(addr), true)
	expect(t, "whether another node on the host is", book.IsBanned(at(addr, r.id())), false)
	expect(t, "the size", book.Size(), 0)
}

func TestABanForNoTimeOnlyRemoves(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{})
	for _, banTime := range []time.Duration{0, -time.Hour} {
		addr := r.address()
		must(t, book.AddAddress(addr, addr))
		book.MarkBad(addr, banTime)
		expect(t, "whether it is there", book.HasAddress(addr), false)
		expect(t, "whether it is banned", book.IsBanned(addr), false)
		book.ReinstateBadPeers()
		expect(t, "whether it is there again", book.HasAddress(addr), true)
	}
}

func TestWhoMayNotBeAddedIsNotReinstated(t *testing.T) {
	clock := newClock()
	book := open(t, cometbft.Options{Clock: clock.now})
	all := newRandom(t).addresses(4)
	for _, addr := range all {
		must(t, book.AddAddress(addr, addr))
		book.MarkBad(addr, time.Hour)
	}
	book.AddPrivateIDs([]string{string(all[0].ID)})
	book.AddOurAddress(all[1])
	_, err := book.Manager().Ban(background, all[2].IP.String(), clock.now().Add(3*time.Hour))
	must(t, err)
	clock.turn(2 * time.Hour)
	book.ReinstateBadPeers()
	expect(t, "the size", book.Size(), 1)
	expect(t, "whether the last one is there", book.HasAddress(all[3]), true)
	clock.turn(2 * time.Hour)
	book.ReinstateBadPeers()
	expect(t, "the size", book.Size(), 2)
	expect(t, "whether the one with two bans is there", book.HasAddress(all[2]), true)
}

func TestWhatAnOperatorBansIsRefused(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{})
	inside, outside := parse(t, string(r.id())+"@8.8.8.8:26656"), parse(t, string(r.id())+"@8.9.8.8:26656")
	must(t, book.AddAddress(inside, inside))
	must(t, book.AddAddress(outside, outside))
	removed, err := book.Manager().Ban(background, "8.8.0.0/16", pm.ForGood)
	must(t, err)
	expect(t, "the number of removed peers", removed, 1)
	expect(t, "whether a banned host is there", book.HasAddress(inside), false)
	expect(t, "whether it is banned", book.IsBanned(inside), true)
	refused[pex.ErrAddressBanned](t, "adding it", book.AddAddress(inside, outside))
	for range 50 {
		expect(t, "what is picked", book.PickAddress(100).String(), outside.String())
	}
	// A node that moves out of the banned network is a node like any other.
	moved := at(parse(t, string(r.id())+"@9.9.9.9:26656"), inside.ID)
	must(t, book.AddAddress(moved, outside))
	expect(t, "the size", book.Size(), 2)
}

func TestAFloodOfBadNodesIsRememberedInPart(t *testing.T) {
	clock := newClock()
	book := open(t, cometbft.Options{Clock: clock.now})
	r := newRandom(t)
	for range 1100 {
		addr := r.address()
		must(t, book.AddAddress(addr, addr))
		book.MarkBad(addr, time.Minute)
		expect(t, "whether it is banned", book.IsBanned(addr), true)
	}
	clock.turn(time.Minute)
	book.ReinstateBadPeers()
	expect(t, "the number of those that are reinstated", book.Size(), 1024)
}
