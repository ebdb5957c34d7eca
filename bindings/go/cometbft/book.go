package cometbft

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cometbft/cometbft/libs/service"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/pex"

	pm "peer-manager.example/go/peermanager"
)

const (
	// DefaultMaxPeers is as many addresses as CometBFT's own book holds: 256 buckets of new and 64 of old ones, 64 each.
	DefaultMaxPeers = (256 + 64) * 64
	// DefaultMaxPeersPerNetgroup is as many old addresses of one netgroup as CometBFT's own book holds: 4 buckets of 64.
	DefaultMaxPeersPerNetgroup = 4 * 64
)

// Options says how a book is opened. The zero Options is a book in memory that takes private addresses, too.
type Options struct {
	// Path is the database file, created if there is none; empty for a book in memory only.
	Path string
	// ImportPath is a file of CometBFT's own book, addrbook.json, whose addresses are taken over if this book is empty; no
	// file there is no error. Empty for none.
	ImportPath string
	// Strict refuses addresses that CometBFT calls not routable: addr_book_strict of its configuration.
	Strict bool
	// Durability says when a change survives what; the zero value, when its call returns, survives a crash of the process.
	Durability pm.Durability
	// MaxPeers is the most addresses; 0 for DefaultMaxPeers.
	MaxPeers uint64
	// MaxPeersPerNetgroup is the most addresses of one netgroup (an IPv4 /16, an IPv6 /32); 0 for
	// DefaultMaxPeersPerNetgroup. A private address is a netgroup of its own.
	MaxPeersPerNetgroup uint32
	// RNGSeed determines every random choice, for tests and simulations; nil for the system's randomness.
	RNGSeed *uint64
	// Clock gives the time; nil for the system's clock.
	Clock func() time.Time
}

// Book is the address book of a CometBFT node. Any number of goroutines may use it at once. After Stop or Close it is empty
// and takes nothing.
type Book struct {
	service.BaseService

	manager *pm.Manager
	strict  bool
	now     func() time.Time

	// mu makes what takes several calls of the manager one change. What only draws addresses needs it, too: it looks up
	// the ids of what was drawn.
	mu           sync.Mutex
	rng          *rand.Rand
	addresses    map[nodeID]pm.Address // which may have been evicted since; see find
	sweepAt      int                   // how many entries of addresses there may be before the evicted ones are removed
	privateIDs   map[nodeID]struct{}
	ownIDs       map[nodeID]struct{}
	ownAddresses map[pm.Address]struct{}
	bad          map[nodeID]*p2p.NetAddress // to be reinstated when their bans have ended
	expireAt     time.Time                  // when addresses not heard of for long may next be removed
	imported     int                        // from CometBFT's own book, when this one was opened
}

var (
	_ pex.AddrBook = (*Book)(nil)
	_ p2p.AddrBook = (*Book)(nil)
)

// NewAddrBook opens the book of a node whose addr_book_file and addr_book_strict are these. The book is in a file of its own
// beside addr_book_file: addrbook.db for addrbook.json. While it is empty, it takes over what is in addrbook.json, which
// stays as it is.
func NewAddrBook(filePath string, routabilityStrict bool) (*Book, error) {
	return Open(Options{Path: databasePath(filePath), ImportPath: filePath, Strict: routabilityStrict})
}

func databasePath(filePath string) string {
	return strings.TrimSuffix(filePath, ".json") + ".db"
}

// Open opens a book with these options. A damaged file is renamed, and the book begins with what could be read.
func Open(options Options) (*Book, error) {
	settings := pm.Options{
		Path:                options.Path,
		Durability:          options.Durability,
		OnCorrupt:           pm.OnCorruptQuarantine,
		RNGSeed:             options.RNGSeed,
		Clock:               options.Clock,
		MaxPeers:            options.MaxPeers,
		MaxPeersPerNetgroup: options.MaxPeersPerNetgroup,
		Reach:               pm.ReachPrivate, // CometBFT has a check of its own, which takes networks such as 100.64.0.0/10
		KeepHistory:         true,            // so that dead old addresses make room, and what is not heard of any more expires
	}
	if settings.MaxPeers == 0 {
		settings.MaxPeers = DefaultMaxPeers
	}
	if settings.MaxPeersPerNetgroup == 0 {
		settings.MaxPeersPerNetgroup = DefaultMaxPeersPerNetgroup
	}
	manager, err := pm.Open(background, settings)
	if err != nil {
		return nil, fmt.Errorf("cannot open the address book: %w", err)
	}
	b := &Book{
		manager:      manager,
		strict:       options.Strict,
		now:          options.Clock,
		privateIDs:   make(map[nodeID]struct{}),
		ownIDs:       make(map[nodeID]struct{}),
		ownAddresses: make(map[pm.Address]struct{}),
		bad:          make(map[nodeID]*p2p.NetAddress),
	}
	if b.now == nil {
		b.now = time.Now
	}
	seed := rand.Uint64()
	if options.RNGSeed != nil {
		seed = *options.RNGSeed
	}
	b.rng = rand.New(rand.NewPCG(seed, 0))
	b.BaseService = *service.NewBaseService(nil, "AddrBook", b)
	if err := b.load(options.ImportPath); err != nil {
		return nil, errors.Join(err, manager.Close())
	}
	return b, nil
}

// background is the context of all changes: pex.AddrBook has none to pass on.
var background = context.Background()

// load indexes what is in the file, and takes over what is in CometBFT's.
func (b *Book) load(importPath string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := errors.Join(b.reindex(), b.forgetBanned()); err != nil {
		return fmt.Errorf("cannot read the address book: %w", err)
	}
	if importPath == "" || b.manager.PeerCount() > 0 {
		return nil
	}
	if err := b.importFile(importPath); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cannot take over the addresses of %s; remove it to begin without them: %w", importPath, err)
	}
	return nil
}

// Manager is the table of peers beneath the book: for bans of hosts and prefixes, for counts and metrics. Peers are added with
// the book only, since one without an id is of no use to a node, and is removed.
func (b *Book) Manager() *pm.Manager { return b.manager }

// OnStart implements service.Service. The book can be used from the moment it was opened; this says if its file was damaged.
func (b *Book) OnStart() error {
	quarantine, err := b.manager.Quarantine()
	if err != nil {
		return err
	}
	if quarantine.Path != "" {
		b.Logger.Error("The address book was damaged; a new one has what could be read",
			"moved to", quarantine.Path, "saved", quarantine.Saved, "lost", quarantine.Lost)
	}
	if b.imported > 0 {
		b.Logger.Info("Took over the addresses of CometBFT's own book", "addresses", b.imported)
	}
	return nil
}

// OnStop implements service.Service: it closes the file.
func (b *Book) OnStop() { b.report("close the address book", b.Close()) }

// Close closes the file of a book that was never started; Stop does it for one that was. Closing twice does nothing.
func (b *Book) Close() error { return b.manager.Close() }

// Save makes sure that all changes survive a loss of power.
func (b *Book) Save() { b.report("save the address book", b.manager.Flush(background)) }

// report logs what a method without a result cannot return. A reactor may use the book for a moment after it was stopped.
func (b *Book) report(what string, err error) bool {
	if err != nil && !errors.Is(err, pm.ErrClosed) {
		b.Logger.Error("Failed to "+what, "err", err)
	}
	return err == nil
}
