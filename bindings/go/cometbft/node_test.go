package cometbft_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cometbft/cometbft/abci/example/kvstore"
	"github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/pex"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/proxy"
	"github.com/cometbft/cometbft/types"

	"peer-manager.example/go/cometbft"
)

// fullNode is a whole CometBFT node of its own with the three lines of the README.
func fullNode(t *testing.T, genesis *types.GenesisDoc, validator *privval.FilePV, seeds string) (*node.Node, *cometbft.Book, *config.Config) {
	t.Helper()
	configuration := config.DefaultConfig()
	configuration.SetRoot(t.TempDir())
	// A node that stops closes its databases while routines of its consensus still read, which panics with other ones.
	configuration.DBBackend = "memdb"
	configuration.RPC.ListenAddress = ""
	configuration.P2P.ListenAddress = "tcp://" + freeAddress(t)
	configuration.P2P.AllowDuplicateIP = true
	configuration.P2P.AddrBookStrict = false
	configuration.P2P.Seeds = seeds
	config.EnsureRoot(configuration.RootDir)
	must(t, genesis.SaveAs(configuration.GenesisFile()))
	key, err := p2p.LoadOrGenNodeKey(configuration.NodeKeyFile())
	must(t, err)
	if validator == nil {
		validator = privval.GenFilePV(configuration.PrivValidatorKeyFile(), configuration.PrivValidatorStateFile())
	}
	logger := log.NewNopLogger()

	book, err := cometbft.ForNode(configuration, key) // 1
	must(t, err)
	n, err := node.NewNode(configuration, validator, key,
		proxy.NewLocalClientCreator(kvstore.NewInMemoryApplication()),
		node.DefaultGenesisDocProviderFunc(configuration), config.DefaultDBProvider,
		node.DefaultMetricsProvider(configuration.Instrumentation), logger,
		node.CustomReactors(book.Reactors(configuration, logger))) // 2
	must(t, err)
	must(t, book.UseIn(n.Switch())) // 3

	must(t, n.Start())
	t.Cleanup(func() {
		must(t, n.Stop())
		n.Wait()
		expect(t, "the size of the book of a node that was stopped", book.Size(), 0)
		if _, err := os.Stat(configuration.P2P.AddrBookFile()); !os.IsNotExist(err) {
			t.Errorf("CometBFT's own book has a file: %v", err)
		}
	})
	return n, book, configuration
}

func TestAWholeNodeRunsWithTheBook(t *testing.T) {
	directory := t.TempDir()
	validator := privval.GenFilePV(filepath.Join(directory, "key.json"), filepath.Join(directory, "state.json"))
	public, err := validator.GetPubKey()
	must(t, err)
	genesis := &types.GenesisDoc{
		ChainID: "loopback", GenesisTime: time.Now(), ConsensusParams: types.DefaultConsensusParams(),
		Validators: []types.GenesisValidator{{Address: public.Address(), PubKey: public, Power: 10}},
	}
	must(t, genesis.ValidateAndComplete())

	first, firstBook, configuration := fullNode(t, genesis, validator, "")
	firstAddr := parse(t, p2p.IDAddressString(first.NodeInfo().ID(), configuration.P2P.ListenAddress))
	expect(t, "whether a node's own address is its own", firstBook.OurAddress(firstAddr), true)
	refused[pex.ErrAddrBookSelf](t, "adding it", firstBook.AddAddress(firstAddr, firstAddr))

	second, secondBook, _ := fullNode(t, genesis, nil, firstAddr.String())
	eventually(t, "the first has the second in its book", func() bool {
		return firstBook.HasAddress(&p2p.NetAddress{ID: second.NodeInfo().ID()})
	})
	eventually(t, "the first makes blocks", func() bool { return first.BlockStore().Height() >= 2 })

	// The switch has the book, too: what it dials is added, and what did something useful becomes good.
	must(t, second.Switch().DialPeersAsync([]string{firstAddr.String()}))
	expect(t, "whether the second has the first in its book", secondBook.HasAddress(firstAddr), true)
	eventually(t, "consensus says that the first is good", func() bool {
		peer := second.Switch().Peers().Get(firstAddr.ID)
		if peer != nil {
			second.Switch().MarkPeerAsGood(peer)
		}
		return peer != nil
	})
	expect(t, "whether the first is good", secondBook.IsGood(firstAddr), true)
	if _, err := os.Stat(cometbft.DatabasePath(configuration.P2P.AddrBookFile())); err != nil {
		t.Error(err)
	}
}

func TestThePEXReactorFollowsTheConfiguration(t *testing.T) {
	configuration := config.DefaultConfig()
	configuration.SetRoot(t.TempDir())
	config.EnsureRoot(configuration.RootDir)
	key, err := p2p.LoadOrGenNodeKey(configuration.NodeKeyFile())
	must(t, err)
	r := newRandom(t)
	private := r.address()
	configuration.P2P.ExternalAddress = "8.8.8.8:26656"
	configuration.P2P.PrivatePeerIDs = " " + string(r.id()) + ", " + string(private.ID) + ","
	book, err := cometbft.ForNode(configuration, key)
	must(t, err)
	defer book.Close()
	expect(t, "whether the external address is ours", book.OurAddress(parse(t, string(key.ID())+"@8.8.8.8:26656")), true)
	refused[pex.ErrAddrBookPrivate](t, "adding a private node", book.AddAddress(private, r.address()))
	refused[pex.ErrAddrBookNonRoutable](t, "adding a local node to a strict book",
		book.AddAddress(parse(t, string(r.id())+"@10.1.2.3:26656"), r.address()))

	expect(t, "the number of reactors", len(book.Reactors(configuration, log.NewNopLogger())), 1)
	configuration.P2P.PexReactor = false
	expect(t, "the number of reactors without PEX", len(book.Reactors(configuration, log.NewNopLogger())), 0)

	if book.UseIn(struct{}{}) == nil {
		t.Error("what has no address book took one")
	}
	configuration.P2P.ExternalAddress = "8.8.8.8"
	if _, err := cometbft.ForNode(configuration, key); err == nil {
		t.Error("an address without a port was taken")
	}
}
