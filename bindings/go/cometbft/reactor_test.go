package cometbft_test

import (
	"net"
	"testing"

	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/mock"
	"github.com/cometbft/cometbft/p2p/pex"
	tmp2p "github.com/cometbft/cometbft/proto/tendermint/p2p"

	"peer-manager.example/go/cometbft"
)

// What the tests of CometBFT's PEX reactor expect (p2p/pex/pex_reactor_test.go), as scenarios of the reactor over this book,
// as far as the reactor shows it from outside.

// reactorWithSwitch is a PEX reactor and its switch, which is not started.
func reactorWithSwitch(t *testing.T) (*pex.Reactor, *cometbft.Book, *p2p.Switch) {
	t.Helper()
	book := open(t, cometbft.Options{Path: tempFile(t), Strict: true})
	reactor := pex.NewReactor(book, &pex.ReactorConfig{})
	sw := newNode(t, book, reactor)
	return reactor, book, sw.Switch
}

// mockPeer is a peer without a connection, at an address of its own.
func mockPeer(t *testing.T, r *random, outbound bool) *mock.Peer {
	t.Helper()
	peer := mock.NewPeer(r.address().IP)
	peer.Outbound = outbound
	return peer
}

func receive(reactor *pex.Reactor, peer p2p.Peer, message any) {
	envelope := p2p.Envelope{Src: peer, ChannelID: pex.PexChannel}
	switch message := message.(type) {
	case *tmp2p.PexRequest:
		envelope.Message = message
	case *tmp2p.PexAddrs:
		envelope.Message = message
	}
	reactor.Receive(envelope)
}

func addrs(all ...*p2p.NetAddress) *tmp2p.PexAddrs {
	return &tmp2p.PexAddrs{Addrs: p2p.NetAddressesToProto(all)}
}

func TestOnlyInboundPeersAreAddedWhenTheyConnect(t *testing.T) {
	r := newRandom(t)
	reactor, book, _ := reactorWithSwitch(t)
	inbound, outbound := mockPeer(t, r, false), mockPeer(t, r, true)
	reactor.AddPeer(inbound)
	expect(t, "the size", book.Size(), 1)
	expect(t, "whether the inbound peer is there", book.HasAddress(inbound.SocketAddr()), true)
	reactor.RemovePeer(inbound, "it has gone")
	reactor.AddPeer(outbound)
	expect(t, "the size", book.Size(), 1)
	reactor.RemovePeer(outbound, "it has gone")
}

func TestAddressesThatWereAskedForAreAdded(t *testing.T) {
	r := newRandom(t)
	reactor, book, _ := reactorWithSwitch(t)
	peer := mockPeer(t, r, false)
	reactor.RequestAddrs(peer)
	receive(reactor, peer, addrs(peer.SocketAddr(), r.address(), r.address()))
	expect(t, "the size", book.Size(), 3)
	receive(reactor, peer, &tmp2p.PexRequest{})
	expect(t, "whether the peer is banned", book.IsBanned(peer.SocketAddr()), false)
}

func TestAPeerThatAsksTooOftenIsBanned(t *testing.T) {
	reactor, book, sw := reactorWithSwitch(t)
	peer := mockPeer(t, newRandom(t), false)
	addr := peer.SocketAddr()
	p2p.AddPeerToSwitchPeerSet(sw, peer)
	must(t, book.AddAddress(addr, addr))
	for range 2 {
		receive(reactor, peer, &tmp2p.PexRequest{})
		expect(t, "whether it is connected", sw.Peers().Has(peer.ID()), true)
		expect(t, "whether it is banned", book.IsBanned(addr), false)
	}
	receive(reactor, peer, &tmp2p.PexRequest{})
	expect(t, "whether it is connected", sw.Peers().Has(peer.ID()), false)
	expect(t, "whether it is banned", book.IsBanned(addr), true)
	expect(t, "whether it is in the book", book.HasAddress(addr), false)
}

func TestAPeerThatTellsUnaskedIsBanned(t *testing.T) {
	r := newRandom(t)
	reactor, book, sw := reactorWithSwitch(t)
	peer := mockPeer(t, r, false)
	p2p.AddPeerToSwitchPeerSet(sw, peer)
	reactor.RequestAddrs(peer)
	receive(reactor, peer, addrs(peer.SocketAddr()))
	expect(t, "whether it is connected", sw.Peers().Has(peer.ID()), true)
	receive(reactor, peer, addrs(r.address()))
	expect(t, "whether it is connected", sw.Peers().Has(peer.ID()), false)
	expect(t, "whether it is banned", book.IsBanned(peer.SocketAddr()), true)
	expect(t, "the size", book.Size(), 0)
}

func TestAddressesThatAreNoneBanThePeer(t *testing.T) {
	reactor, book, sw := reactorWithSwitch(t)
	peer := mockPeer(t, newRandom(t), false)
	p2p.AddPeerToSwitchPeerSet(sw, peer)
	reactor.AddPeer(peer)
	reactor.RequestAddrs(peer)
	receive(reactor, peer, &tmp2p.PexAddrs{Addrs: []tmp2p.NetAddress{{ID: string(peer.ID()), IP: "no IP", Port: 1}}})
	expect(t, "whether it is banned", book.IsBanned(peer.SocketAddr()), true)
}

func TestAPrivatePeerIsNotAdded(t *testing.T) {
	r := newRandom(t)
	reactor, book, _ := reactorWithSwitch(t)
	peer := mockPeer(t, r, false)
	book.AddPrivateIDs([]string{string(peer.ID())})
	reactor.RequestAddrs(peer)
	receive(reactor, peer, addrs(peer.SocketAddr(), r.address()))
	reactor.AddPeer(peer)
	expect(t, "the size", book.Size(), 0)
}

func TestNodesThatKnowOneAnotherConnect(t *testing.T) {
	books, nodes := make([]*cometbft.Book, 3), make([]*nodeSwitch, 3)
	for i := range nodes {
		books[i] = open(t, cometbft.Options{Path: tempFile(t)})
		nodes[i] = newNode(t, books[i], pexReactor(books[i], &pex.ReactorConfig{}))
	}
	for _, pair := range [][2]int{{0, 1}, {1, 0}, {2, 1}} {
		addr := nodes[pair[1]].NetAddress()
		must(t, books[pair[0]].AddAddress(addr, addr))
	}
	for _, node := range nodes {
		must(t, node.Start())
	}
	eventually(t, "each is connected with both others", func() bool {
		for _, node := range nodes {
			if node.Peers().Size() < 2 {
				return false
			}
		}
		return true
	})
}

func TestANodeNeedsSeedsThatCanBeFoundOrABook(t *testing.T) {
	const missing = "ed3dfd27bfc4af18f67a49862f04cc100696e84d@no.host.invalid:26656"
	seed := startNode(t, open(t, cometbft.Options{}), &pex.ReactorConfig{SeedMode: true})
	known := open(t, cometbft.Options{})
	must(t, known.AddAddress(seed.NetAddress(), seed.NetAddress()))
	for _, given := range []struct {
		what   string
		book   *cometbft.Book
		seeds  []string
		starts bool
	}{
		{"no seed", open(t, cometbft.Options{}), nil, true},
		{"a seed", open(t, cometbft.Options{}), []string{seed.NetAddress().String()}, true},
		{"no seed that can be found", open(t, cometbft.Options{}), []string{missing}, false},
		{"one of two", open(t, cometbft.Options{}), []string{missing, seed.NetAddress().String()}, true},
		{"a book, and no seed that can be found", known, []string{missing}, true},
	} {
		node := newNode(t, given.book, pexReactor(given.book, &pex.ReactorConfig{Seeds: given.seeds}))
		expect(t, "whether a node starts with "+given.what, node.Start() == nil, given.starts)
		if given.starts {
			must(t, node.stop())
		} else {
			must(t, node.transport.Close())
		}
	}
}

func TestANodeAsksItsSeedAndConnectsWithWhatItTells(t *testing.T) {
	var known []*p2p.NetAddress
	for range 3 {
		known = append(known, startNode(t, open(t, cometbft.Options{}), &pex.ReactorConfig{}).NetAddress())
	}
	seedBook := open(t, cometbft.Options{Path: tempFile(t)})
	for _, addr := range known {
		must(t, seedBook.AddAddress(addr, addr))
		seedBook.MarkGood(addr.ID)
	}
	// A seed that was started would crawl, and those that it knows know one another.
	seed := startNode(t, seedBook, &pex.ReactorConfig{SeedMode: true})
	book := open(t, cometbft.Options{Path: tempFile(t)})
	node := startNode(t, book, &pex.ReactorConfig{Seeds: []string{seed.NetAddress().String()}})
	eventually(t, "the node is connected with all that the seed knows", func() bool {
		for _, addr := range known {
			if !node.Peers().Has(addr.ID) {
				return false
			}
		}
		return true
	})
	outbound, inbound, _ := node.NumPeers()
	limits := config.DefaultP2PConfig()
	expect(t, "whether there are too many", outbound > limits.MaxNumOutboundPeers || inbound > limits.MaxNumInboundPeers, false)
}

func TestASeedHangsUpAfterItHasTold(t *testing.T) {
	seedBook := open(t, cometbft.Options{})
	seed := startNode(t, seedBook, &pex.ReactorConfig{SeedMode: true})
	known := newRandom(t).address()
	must(t, seedBook.AddAddress(known, known))
	book := open(t, cometbft.Options{})
	reactor := pexReactor(book, &pex.ReactorConfig{})
	node := newNode(t, book, reactor)
	must(t, node.Start())
	must(t, node.DialPeerWithAddress(seed.NetAddress()))
	eventually(t, "the seed has told, and hung up", func() bool {
		return book.HasAddress(known) && !seed.Peers().Has(node.NetAddress().ID) && !node.Peers().Has(seed.NetAddress().ID)
	})
	expect(t, "whether the seed has the node in its book", seedBook.HasAddress(node.NetAddress()), true)
}

func TestASeedCrawlsItsBook(t *testing.T) {
	node := startNode(t, open(t, cometbft.Options{}), &pex.ReactorConfig{})
	book := open(t, cometbft.Options{Path: tempFile(t)})
	must(t, book.AddAddress(node.NetAddress(), node.NetAddress()))
	seed := startNode(t, book, &pex.ReactorConfig{SeedMode: true})
	eventually(t, "the seed dials what it knows", func() bool { return seed.Peers().Has(node.NetAddress().ID) })
}

func TestAFailedDialIsAnAttempt(t *testing.T) {
	// Nothing listens there: the listener is closed at once.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	gone := p2p.NewNetAddressIPPort(net.IPv4(127, 0, 0, 1), uint16(listener.Addr().(*net.TCPAddr).Port))
	gone.ID = newRandom(t).id()
	must(t, listener.Close())
	book := open(t, cometbft.Options{Path: tempFile(t)})
	must(t, book.AddAddress(gone, gone))
	reactor := pexReactor(book, &pex.ReactorConfig{})
	node := newNode(t, book, reactor)
	must(t, node.Start())
	eventually(t, "it is dialled, and does not answer", func() bool { return failures(t, book, gone) >= 1 })
	expect(t, "whether the reactor counts it, too", reactor.AttemptsToDial(gone) >= 1, true)
	expect(t, "whether it is in the book still", book.HasAddress(gone), true)
}

func TestAWrongIDIsAFailureAndTheRightOneIsTried(t *testing.T) {
	r := newRandom(t)
	other := startNode(t, open(t, cometbft.Options{}), &pex.ReactorConfig{})
	wrong := at(other.NetAddress(), r.id())
	book := open(t, cometbft.Options{Path: tempFile(t)})
	must(t, book.AddAddress(wrong, r.address()))
	node := startNode(t, book, &pex.ReactorConfig{})
	eventually(t, "the wrong node is dialled", func() bool { return failures(t, book, wrong) >= 1 })
	expect(t, "whether it is connected", node.Peers().Size(), 0)
	// The reactor does not say that another node answered, so that is no reason for a ban.
	expect(t, "whether it is banned", book.IsBanned(wrong), false)
	must(t, book.AddAddress(other.NetAddress(), r.address()))
	for range 500 {
		if book.PickAddress(100).ID == other.NetAddress().ID {
			return
		}
	}
	t.Error("the right one is never picked")
}
