package cometbft

import (
	"fmt"
	"strings"
	"time"

	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/pex"
)

// seedDisconnectWait is for how long a seed stays connected with a node that it has crawled: CometBFT's number, long enough
// for it to be marked as good.
const seedDisconnectWait = 28 * time.Hour

// ForNode opens the book of the node that has this configuration and this key. It knows the node's own addresses and its
// private_peer_ids.
func ForNode(configuration *config.Config, key *p2p.NodeKey) (*Book, error) {
	settings := configuration.P2P
	var own []*p2p.NetAddress
	for name, text := range map[string]string{
		"external_address": settings.ExternalAddress,
		"laddr":            settings.ListenAddress,
	} {
		if text == "" {
			continue
		}
		addr, err := p2p.NewNetAddressString(p2p.IDAddressString(key.ID(), text))
		if err != nil {
			return nil, fmt.Errorf("p2p.%s is no address: %w", name, err)
		}
		own = append(own, addr)
	}
	book, err := NewAddrBook(settings.AddrBookFile(), settings.AddrBookStrict)
	if err != nil {
		return nil, err
	}
	for _, addr := range own {
		book.AddOurAddress(addr)
	}
	book.AddPrivateIDs(list(settings.PrivatePeerIDs))
	return book, nil
}

// Reactors is the node's PEX reactor with this book, for node.CustomReactors; none if the configuration has none.
func (b *Book) Reactors(configuration *config.Config, logger log.Logger) map[string]p2p.Reactor {
	settings := configuration.P2P
	if !settings.PexReactor {
		return nil
	}
	b.SetLogger(logger.With("module", "p2p", "book", databasePath(settings.AddrBookFile())))
	reactor := pex.NewReactor(b, &pex.ReactorConfig{
		Seeds:                        list(settings.Seeds),
		SeedMode:                     settings.SeedMode,
		SeedDisconnectWaitPeriod:     seedDisconnectWait,
		PersistentPeersMaxDialPeriod: settings.PersistentPeersMaxDialPeriod,
	})
	reactor.SetLogger(logger.With("module", "pex"))
	return map[string]p2p.Reactor{"PEX": reactor}
}

// UseIn has the node's switch use the book, too: for the addresses of persistent peers, and for what consensus marks as good.
// The switch is that of node.Node's Switch; it is an error if the node has another transport, go-libp2p, which knows no
// address book.
func (b *Book) UseIn(networking any) error {
	sw, ok := networking.(interface{ SetAddrBook(p2p.AddrBook) })
	if !ok {
		return fmt.Errorf("%T has no address book", networking)
	}
	sw.SetAddrBook(b)
	return nil
}

// list splits a list of CometBFT's configuration.
func list(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
