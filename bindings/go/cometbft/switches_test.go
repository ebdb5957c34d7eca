package cometbft_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/pex"
	"github.com/cometbft/cometbft/version"
)

// A round of the PEX reactor. A third of it is how soon a peer may ask again before it is bad; so it is long enough that no
// busy machine makes a peer bad.
const round = 3 * time.Second

// p2pConfig is CometBFT's, for many nodes on one host.
func p2pConfig() *config.P2PConfig {
	settings := config.DefaultP2PConfig()
	settings.AllowDuplicateIP = true
	settings.AddrBookStrict = false
	return settings
}

// nodeSwitch is a real switch with a real transport.
type nodeSwitch struct {
	*p2p.Switch
	transport *p2p.MultiplexTransport
	isStopped bool
}

// newSwitch makes a switch that listens on loopback, with a reactor for the PEX channel. Port 0 is any.
func newSwitch(key ed25519.PrivKey, port uint16, book p2p.AddrBook, reactor p2p.Reactor) (*nodeSwitch, error) {
	nodeKey := &p2p.NodeKey{PrivKey: key}
	settings := p2pConfig()
	for attempt := 0; ; attempt++ {
		chosen := port
		if chosen == 0 {
			chosen = anyPort()
		}
		listen := fmt.Sprintf("127.0.0.1:%d", chosen)
		info := p2p.DefaultNodeInfo{
			ProtocolVersion: p2p.NewProtocolVersion(version.P2PProtocol, version.BlockProtocol, 0),
			DefaultNodeID:   nodeKey.ID(),
			ListenAddr:      listen,
			Network:         "loopback",
			Version:         "1.0.0",
			Channels:        []byte{pex.PexChannel},
			Moniker:         "node",
			Other:           p2p.DefaultNodeInfoOther{TxIndex: "off", RPCAddress: "127.0.0.1:0"},
		}
		addr := p2p.NewNetAddressIPPort(net.IPv4(127, 0, 0, 1), chosen)
		addr.ID = nodeKey.ID()
		transport := p2p.NewMultiplexTransport(info, *nodeKey, p2p.MConnConfig(settings))
		if err := transport.Listen(*addr); err != nil {
			if port == 0 && attempt < 100 {
				continue // it was not free
			}
			return nil, err
		}
		sw := p2p.NewSwitch(settings, transport)
		sw.SetNodeInfo(info)
		sw.SetNodeKey(nodeKey)
		sw.SetAddrBook(book)
		sw.AddReactor("PEX", reactor)
		return &nodeSwitch{Switch: sw, transport: transport}, nil
	}
}

// anyPort is none of those that the system gives to connections, so that a node finds it free when it comes back.
func anyPort() uint16 { return uint16(10_000 + rand.IntN(20_000)) }

// freeAddress is an address on loopback where nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	var err error
	for range 100 {
		var listener net.Listener
		if listener, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", anyPort())); err == nil {
			must(t, listener.Close())
			return listener.Addr().String()
		}
	}
	t.Fatal(err)
	return ""
}

// stop stops the switch, its reactors and their book.
func (sw *nodeSwitch) stop() error {
	if sw.isStopped {
		return nil
	}
	sw.isStopped = true
	err := sw.Stop()
	if closeErr := sw.transport.Close(); err == nil {
		err = closeErr
	}
	return err
}

// pexReactor is CometBFT's, with rounds that a test can wait for.
func pexReactor(book pex.AddrBook, settings *pex.ReactorConfig) *pex.Reactor {
	reactor := pex.NewReactor(book, settings)
	reactor.SetEnsurePeersPeriod(round)
	return reactor
}

// startNode starts a node with this book, and stops it when the test ends.
func startNode(t *testing.T, book pex.AddrBook, settings *pex.ReactorConfig) *nodeSwitch {
	t.Helper()
	sw := newNode(t, book, pexReactor(book, settings))
	must(t, sw.Start())
	return sw
}

// newNode is a node that is not started yet.
func newNode(t *testing.T, book p2p.AddrBook, reactor p2p.Reactor) *nodeSwitch {
	t.Helper()
	sw, err := newSwitch(ed25519.GenPrivKey(), 0, book, reactor)
	must(t, err)
	t.Cleanup(func() {
		if sw.IsRunning() {
			must(t, sw.stop())
		}
	})
	book.AddOurAddress(sw.NetAddress())
	return sw
}
