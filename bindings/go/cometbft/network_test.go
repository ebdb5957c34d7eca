package cometbft_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cometbft/cometbft/crypto/ed25519"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/p2p/conn"
	"github.com/cometbft/cometbft/p2p/pex"
	tmp2p "github.com/cometbft/cometbft/proto/tendermint/p2p"

	"peer-manager.example/go/cometbft"
)

// watchedBook is a book that counts what becomes of one node.
type watchedBook struct {
	*cometbft.Book
	watched                 atomic.Value // a p2p.ID
	refused, picked, rounds atomic.Int64
}

func (b *watchedBook) AddAddress(addr, src *p2p.NetAddress) error {
	err := b.Book.AddAddress(addr, src)
	if _, isBanned := err.(pex.ErrAddressBanned); isBanned && addr.ID == b.watched.Load() {
		b.refused.Add(1)
	}
	return err
}

func (b *watchedBook) PickAddress(bias int) *p2p.NetAddress {
	b.rounds.Add(1)
	addr := b.Book.PickAddress(bias)
	if addr != nil && addr.ID == b.watched.Load() {
		b.picked.Add(1)
	}
	return addr
}

// TestEightNodesFindEachOther is a network of eight nodes with CometBFT's switch and PEX reactor on loopback, each with this
// book in a file: a seed that crawls, six others, and one in a process of its own, which is killed and comes back. A ninth node
// is bad.
func TestEightNodesFindEachOther(t *testing.T) {
	books := make([]*watchedBook, 7)
	nodes := make([]*nodeSwitch, len(books))
	for i := range books {
		books[i] = &watchedBook{Book: open(t, cometbft.Options{Path: tempFile(t)})}
	}
	// The seed crawls what it knows when it starts, so it knows the first of them.
	nodes[1] = startNode(t, books[1], &pex.ReactorConfig{})
	must(t, books[0].AddAddress(nodes[1].NetAddress(), nodes[1].NetAddress()))
	nodes[0] = startNode(t, books[0], &pex.ReactorConfig{SeedMode: true})
	seeds := []string{nodes[0].NetAddress().String()}
	for i := 2; i < len(nodes); i++ {
		nodes[i] = startNode(t, books[i], &pex.ReactorConfig{Seeds: seeds})
	}
	other := newChild(t, tempFile(t), seeds)
	other.start(t)
	expect(t, "what the node in a process of its own knows at first", len(other.known(t)), 0)

	ids := []p2p.ID{other.addr.ID}
	for _, node := range nodes {
		ids = append(ids, node.NetAddress().ID)
	}
	eventually(t, "all know all", func() bool {
		for i, book := range books {
			for _, id := range ids {
				if id != nodes[i].NetAddress().ID && !book.HasAddress(&p2p.NetAddress{ID: id}) {
					return false
				}
			}
		}
		return len(other.known(t)) == len(ids)-1
	})
	for i, book := range books {
		expect(t, fmt.Sprintf("the size of book %d", i), book.Size(), len(ids)-1)
		must(t, book.Check())
	}

	// Killed, it comes back with what is in its file, and without a seed.
	other.kill(t)
	eventually(t, "the others notice that it has gone", func() bool { return !isConnected(nodes, other.addr.ID) })
	other.seeds = nil
	other.start(t)
	known := other.known(t)
	for _, id := range ids[1:] {
		expect(t, fmt.Sprintf("whether %v is in the file", id), slices.Contains(known, id), true)
	}
	eventually(t, "it is connected again", func() bool { return isConnected(nodes, other.addr.ID) })

	aBadNodeIsBannedAndNotDialled(t, nodes, books)
	other.kill(t)
	for i, node := range nodes {
		must(t, node.stop())
		expect(t, "the size of a stopped book", books[i].Size(), 0)
	}
}

func isConnected(nodes []*nodeSwitch, id p2p.ID) bool {
	return slices.ContainsFunc(nodes, func(node *nodeSwitch) bool { return node.Peers().Has(id) })
}

// aBadNodeIsBannedAndNotDialled has a node ask one of them for addresses all the time, and the others tell that one about it.
func aBadNodeIsBannedAndNotDialled(t *testing.T, nodes []*nodeSwitch, books []*watchedBook) {
	victim, book := nodes[1], books[1]
	bad := &badReactor{dialled: make(map[p2p.ID]int)}
	bad.BaseReactor = *p2p.NewBaseReactor("bad", bad)
	badNode := newNode(t, open(t, cometbft.Options{}), bad)
	badAddr := badNode.NetAddress()
	book.watched.Store(badAddr.ID)
	must(t, badNode.Start())
	eventually(t, "the bad node is banned", func() bool {
		if !badNode.Peers().Has(victim.NetAddress().ID) {
			// Whatever comes of it. Only a node that the victim has in its book is banned, so it may take more than one.
			_ = badNode.DialPeerWithAddress(victim.NetAddress())
		}
		return book.IsBanned(badAddr)
	})
	bad.isQuiet.Store(true)
	expect(t, "whether it is in the book", book.HasAddress(badAddr), false)
	// Until now the victim may have picked it. Such a dial has ended when the next rounds have come.
	rounds := book.rounds.Load()
	eventually(t, "they are no longer connected", func() bool {
		if peer := badNode.Peers().Get(victim.NetAddress().ID); peer != nil {
			badNode.StopPeerGracefully(peer)
		}
		return book.rounds.Load() >= rounds+30 && !victim.IsDialingOrExistingAddress(badAddr)
	})
	picked, dialled := book.picked.Load(), bad.dialledBy(victim.NetAddress().ID)

	for i, other := range books {
		if i != 1 {
			must(t, other.AddAddress(badAddr, badAddr))
		}
	}
	rounds = book.rounds.Load()
	eventually(t, "the others tell about it, and are not heeded", func() bool {
		return book.refused.Load() >= 3 && book.rounds.Load() >= rounds+20
	})
	expect(t, "how often it was picked", book.picked.Load(), picked)
	expect(t, "whether it is in the book", book.HasAddress(badAddr), false)
	expect(t, "how often the victim dialled it", bad.dialledBy(victim.NetAddress().ID), dialled)
	eventually(t, "another node dials it", func() bool {
		return slices.ContainsFunc(nodes[2:], func(node *nodeSwitch) bool { return bad.dialledBy(node.NetAddress().ID) > 0 })
	})
	must(t, badNode.stop())
}

// badReactor asks whom it dials for addresses, again and again.
type badReactor struct {
	p2p.BaseReactor
	isQuiet atomic.Bool
	mu      sync.Mutex
	dialled map[p2p.ID]int // how often each node has dialled it
}

func (r *badReactor) GetChannels() []*conn.ChannelDescriptor {
	return []*conn.ChannelDescriptor{{
		ID: pex.PexChannel, Priority: 1, SendQueueCapacity: 10, RecvMessageCapacity: 64_000, MessageType: &tmp2p.Message{},
	}}
}

func (r *badReactor) AddPeer(peer p2p.Peer) {
	if !peer.IsOutbound() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.dialled[peer.ID()]++
		return
	}
	go func() {
		for !r.isQuiet.Load() && peer.Send(p2p.Envelope{ChannelID: pex.PexChannel, Message: &tmp2p.PexRequest{}}) {
		}
	}()
}

func (r *badReactor) dialledBy(id p2p.ID) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dialled[id]
}

// childVariable holds the settings of a node in a process of its own.
const childVariable = "COMETBFT_TEST_NODE"

// child is that node.
type child struct {
	path  string
	seeds []string
	key   ed25519.PrivKey
	addr  *p2p.NetAddress // known from the first start on
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines *bufio.Scanner
}

type childSettings struct {
	Path  string
	Seeds []string
	Key   string
	Port  uint16
}

func newChild(t *testing.T, path string, seeds []string) *child {
	c := &child{path: path, seeds: seeds, key: ed25519.GenPrivKey()}
	t.Cleanup(func() { c.kill(t) })
	return c
}

// start starts the process, which then waits to be asked what its book has, and starts its switch after it was asked once.
func (c *child) start(t *testing.T) {
	t.Helper()
	settings := childSettings{Path: c.path, Seeds: c.seeds, Key: hex.EncodeToString(c.key)}
	if c.addr != nil {
		settings.Port = c.addr.Port
	}
	text, err := json.Marshal(settings)
	must(t, err)
	program, err := os.Executable()
	must(t, err)
	c.cmd = exec.Command(program)
	c.cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	c.cmd.Stderr = os.Stderr
	c.stdin, err = c.cmd.StdinPipe()
	must(t, err)
	stdout, err := c.cmd.StdoutPipe()
	must(t, err)
	must(t, c.cmd.Start())
	c.lines = bufio.NewScanner(stdout)
	c.addr = parse(t, c.line(t))
}

func (c *child) line(t *testing.T) string {
	t.Helper()
	if !c.lines.Scan() {
		t.Fatalf("the node in a process of its own has ended: %v", c.lines.Err())
	}
	return c.lines.Text()
}

// known is what its book has.
func (c *child) known(t *testing.T) []p2p.ID {
	t.Helper()
	_, err := io.WriteString(c.stdin, "known\n")
	must(t, err)
	var ids []p2p.ID
	must(t, json.Unmarshal([]byte(c.line(t)), &ids))
	return ids
}

func (c *child) kill(t *testing.T) {
	t.Helper()
	if c.cmd != nil {
		must(t, c.cmd.Process.Kill())
		_ = c.cmd.Wait() // it was killed
		c.cmd = nil
	}
}

// runChild is the program of that process. It ends when its standard input does.
func runChild(text string) int {
	var settings childSettings
	if err := json.Unmarshal([]byte(text), &settings); err != nil {
		return failed(err)
	}
	key, err := hex.DecodeString(settings.Key)
	if err != nil {
		return failed(err)
	}
	book, err := cometbft.Open(cometbft.Options{Path: settings.Path})
	if err != nil {
		return failed(err)
	}
	reactor := pexReactor(book, &pex.ReactorConfig{Seeds: settings.Seeds})
	sw, err := newSwitch(ed25519.PrivKey(key), settings.Port, book, reactor)
	if err != nil {
		return failed(err)
	}
	book.AddOurAddress(sw.NetAddress())
	fmt.Println(sw.NetAddress())
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		ids := []p2p.ID{}
		for _, addr := range book.GetSelection() {
			ids = append(ids, addr.ID)
		}
		text, err := json.Marshal(ids)
		if err != nil {
			return failed(err)
		}
		fmt.Println(string(text))
		if !sw.IsRunning() {
			if err := sw.Start(); err != nil {
				return failed(err)
			}
		}
	}
	if err := sw.stop(); err != nil {
		return failed(err)
	}
	return 0
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}
