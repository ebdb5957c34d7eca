// Command node is a node in miniature: it reads a list of addresses, lives through a day with them, closes its database,
// opens it again and checks that everything is still there.
//
//	node FILE.txt
//
// The clock and the network are simulated and the seed is fixed, so every run with the same library prints the same.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	pm "peer_manager/examples/go/peermanager"
)

const (
	defaultPort    = 11625
	preferredPeers = 2 // of the list, from its beginning
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: node FILE.txt")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "node:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, list string, out io.Writer) (err error) {
	directory, err := os.MkdirTemp("", "peermanager-node-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	database := filepath.Join(directory, "peers.db")
	clock := &clock{now: time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)}

	fmt.Fprintf(out, "A node in miniature: the clock and the network are simulated, nobody is contacted\n%s\n", pm.BuildInfo())
	peers, err := firstLife(ctx, list, database, clock, out)
	if err != nil {
		return err
	}
	defer peers.Close()
	return secondLife(ctx, database, clock, peers, out)
}

// clock is turned by the program, so that a day passes in an instant. Nobody reads it meanwhile.
type clock struct{ now time.Time }

// open opens the database. A real node leaves the clock and the seed alone: who knows the seed knows whom it dials.
func open(ctx context.Context, database string, clock *clock) (*pm.Manager, error) {
	seed := uint64(42)
	return pm.Open(ctx, pm.Options{
		Path:    database,
		RNGSeed: &seed,
		Clock:   func() time.Time { return clock.now },
	})
}

// firstLife imports the list, lives through a day and returns the peers at its end; the database is closed then.
func firstLife(ctx context.Context, list, database string, clock *clock, out io.Writer) (_ *pm.Snapshot, err error) {
	peers, err := open(ctx, database, clock)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, peers.Close()) }()
	if err := importPeers(ctx, peers, list, out); err != nil {
		return nil, err
	}
	day := &day{peers: peers, clock: clock, out: out}
	if err := day.live(ctx); err != nil {
		return nil, err
	}
	stats, err := peers.Stats()
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(out, "\n-- what Prometheus would read")
	writeMetrics(out, stats)
	return peers.Snapshot()
}

// importPeers adds the addresses of a text file, one a line.
func importPeers(ctx context.Context, peers *pm.Manager, list string, out io.Writer) error {
	file, err := os.Open(list)
	if err != nil {
		return err
	}
	defer file.Close()
	var addresses []pm.Address
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		address, err := pm.ParseAddress(text, defaultPort)
		if errors.Is(err, pm.ErrInvalidAddress) {
			fmt.Fprintf(out, "line %d: %v\n", number, err)
			continue
		}
		if err != nil {
			return err
		}
		addresses = append(addresses, address)
	}
	if err := lines.Err(); err != nil {
		return err
	}
	inserted, err := peers.EnsureExistsMany(ctx, addresses)
	if err != nil {
		return err
	}
	for _, address := range addresses[:min(preferredPeers, len(addresses))] {
		if err := peers.UpdateType(ctx, address, pm.TypePreferred, true); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%d addresses imported, %d of them preferred\n", inserted, min(preferredPeers, len(addresses)))
	return nil
}

// secondLife opens the database again and compares every peer.
func secondLife(ctx context.Context, database string, clock *clock, before *pm.Snapshot, out io.Writer) (err error) {
	peers, err := open(ctx, database, clock)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, peers.Close()) }()
	same := 0
	for record := range before.All() {
		now, err := peers.Load(record.Address)
		if err != nil && !errors.Is(err, pm.ErrNotFound) {
			return err
		}
		if err == nil && now == record {
			same++
		}
	}
	fmt.Fprintf(out, "\n-- closed and opened again\n%d of %d peers came back as they were\n", same, before.Len())
	if same != before.Len() || peers.PeerCount() != same {
		return errors.New("the peers that came back are not those that went in")
	}
	return nil
}
