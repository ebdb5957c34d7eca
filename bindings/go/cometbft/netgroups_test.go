package cometbft_test

import (
	"net"
	"testing"

	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/pex"

	"peer-manager.example/go/cometbft"
	pm "peer-manager.example/go/peermanager"
)

func TestNetgroupsAreThoseOfCometBFT(t *testing.T) {
	book := open(t, cometbft.Options{})
	groups := [][]string{
		{"12.1.2.3", "12.1.9.9", "2002:c01:203::", "2001:0:1234::f3fe:fdfc", "64:ff9b::c01:203", "::ffff:0:c01:203"},
		{"173.1.2.3", "173.1.0.1"},
		{"173.2.2.3"},
		{"196.1.2.3"},
		{"2602:100::1", "2602:100::1234", "2602:100:ffff::"},
		{"2602:101::1"},
		{"2001:470:1f10:a1::2", "2001:470:1aaa::"},
		{"2001:470:2f10:a1::2"},
	}
	seen := make(map[uint64][]string)
	for _, hosts := range groups {
		netgroup := netgroupOf(t, book, hosts[0])
		if others := seen[netgroup]; others != nil {
			t.Errorf("%s is in one netgroup with %s", hosts[0], others[0])
		}
		seen[netgroup] = hosts
		for _, host := range hosts[1:] {
			if netgroupOf(t, book, host) != netgroup {
				t.Errorf("%s is not in the netgroup of %s", host, hosts[0])
			}
		}
	}
}

func netgroupOf(t *testing.T, book *cometbft.Book, host string) uint64 {
	t.Helper()
	address, err := pm.NewAddress(host, 26656)
	must(t, err)
	netgroup, err := book.Manager().Netgroup(address)
	must(t, err)
	return netgroup
}

func TestAStrictBookRefusesWhatIsNotReachable(t *testing.T) {
	r := newRandom(t)
	strict, lenient := open(t, cometbft.Options{Strict: true}), open(t, cometbft.Options{})
	add := func(book *cometbft.Book, host string) error {
		addr := p2p.NewNetAddressIPPort(net.ParseIP(host), 26656)
		addr.ID = r.id()
		return book.AddAddress(addr, addr)
	}
	for _, host := range []string{
		"127.0.0.1", "::1", "0.1.2.3", "10.1.2.3", "172.16.1.2", "192.168.1.2", "169.254.1.2", "fc00::1234",
		"2001:10::1234", "fe80::1234", "fd87:d87e:eb43:1234::5678",
	} {
		refused[pex.ErrAddrBookNonRoutable](t, host, add(strict, host))
		must(t, add(lenient, host))
	}
	for _, host := range []string{"255.255.255.255", "0.0.0.0", "::", "2001:db8::1234"} {
		refused[pex.ErrAddrBookInvalidAddr](t, host, add(strict, host))
		refused[pex.ErrAddrBookInvalidAddr](t, host, add(lenient, host))
	}
	expect(t, "the size of the strict one", strict.Size(), 0)
	expect(t, "the size of the other", lenient.Size(), 11)
	expect(t, "what the other selects", len(lenient.GetSelection()), 11)

	// Private networks that CometBFT does not know as such work as they do with its own book.
	others := []string{"100.64.1.2", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1"}
	for _, host := range others {
		must(t, add(strict, host))
	}
	expect(t, "what the strict one selects", len(strict.GetSelection()), len(others))
	expect(t, "whether it picks one", strict.PickAddress(100) == nil, false)
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	r := newRandom(t)
	book := open(t, cometbft.Options{})
	fine := r.address()
	refused[pex.ErrAddrBookNilAddr](t, "no address", book.AddAddress(nil, fine))
	refused[pex.ErrAddrBookNilAddr](t, "no source", book.AddAddress(fine, nil))
	for what, addr := range map[string]*p2p.NetAddress{
		"no id":        {IP: fine.IP, Port: 1},
		"a short id":   {ID: fine.ID[1:], IP: fine.IP, Port: 1},
		"a wrong id":   {ID: "x" + fine.ID[1:], IP: fine.IP, Port: 1},
		"no IP":        {ID: fine.ID, Port: 1},
		"half an IP":   {ID: fine.ID, IP: net.IP{1, 2}, Port: 1},
		"no port":      {ID: fine.ID, IP: fine.IP},
		"the empty IP": {ID: fine.ID, IP: net.IP{}, Port: 1},
	} {
		refused[pex.ErrAddrBookInvalidAddr](t, what, book.AddAddress(addr, fine))
		// None of this finds, does or breaks anything.
		expect(t, what+": whether it is there", book.HasAddress(addr), false)
		expect(t, what+": whether it is good", book.IsGood(addr), false)
		expect(t, what+": whether it is banned", book.IsBanned(addr), false)
		expect(t, what+": whether it is ours", book.OurAddress(addr), false)
		book.RemoveAddress(addr)
		book.MarkAttempt(addr)
		book.MarkBad(addr, second)
		book.MarkGood(addr.ID)
	}
	expect(t, "the size", book.Size(), 0)
}

func TestTheSpellingOfAnIDDoesNotMatter(t *testing.T) {
	const digits = "678503e6c8f50db7279c7da3cb9b072aac4bc0d5"
	book := open(t, cometbft.Options{})
	upper := parse(t, "678503E6C8F50DB7279C7DA3CB9B072AAC4BC0D5@1.1.1.1:26656")
	must(t, book.AddAddress(upper, upper))
	lower := parse(t, digits+"@1.1.1.1:26656")
	must(t, book.AddAddress(lower, lower))
	expect(t, "the size", book.Size(), 1)
	expect(t, "whether it is there", book.HasAddress(upper), true)
	expect(t, "the id that a handshake has", book.PickAddress(50).ID, digits)
}

func TestOurselvesAreRefusedByIDAndByAddress(t *testing.T) {
	r := newRandom(t)
	options := cometbft.Options{Path: tempFile(t)}
	book := open(t, options)
	own, moved, stranger := r.address(), r.address(), r.address()
	moved.ID = own.ID
	must(t, book.AddAddress(moved, r.address()))
	stranger.IP, stranger.Port = own.IP, own.Port
	must(t, book.AddAddress(stranger, r.address()))
	expect(t, "whether it is ours before it is said", book.OurAddress(own), false)
	book.AddOurAddress(own)
	expect(t, "the size without ourselves", book.Size(), 0)
	for _, addr := range []*p2p.NetAddress{own, moved, stranger} {
		expect(t, "whether it is ours", book.OurAddress(addr), true)
		refused[pex.ErrAddrBookSelf](t, "adding ourselves", book.AddAddress(addr, r.address()))
	}
	external := r.address()
	external.ID = own.ID
	book.AddOurAddress(external)
	refused[pex.ErrAddrBookSelf](t, "adding another node at our second address", book.AddAddress(at(external, r.id()), r.address()))
	other := r.address()
	expect(t, "whether another one is ours", book.OurAddress(other), false)
	must(t, book.AddAddress(other, own))

	// A node that dials itself adds the port of the moment each time. The list does not grow, and ids are told all the same.
	for range 500 {
		again := r.address()
		book.AddOurAddress(again)
		expect(t, "whether a later one is ours", book.OurAddress(&p2p.NetAddress{ID: again.ID}), true)
	}
	expect(t, "whether the first one is ours still", book.OurAddress(stranger), true)
	expect(t, "the size", book.Size(), 1)
}
