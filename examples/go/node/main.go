// Command node is a node in miniature: it reads a list of addresses, lives through a day with them, closes its database,
// opens it again and checks that everything is still there.
//
//	node LIST
//
// The clock and the network are simulated and the seed is fixed, so every run with the same library prints the same. With
// --help it prints what else it can do.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"peer-manager.example/go/metrics"
	pm "peer-manager.example/go/peermanager"
)

const (
	defaultPort    = 11625
	preferredPeers = 2 // of the list, from its beginning
)

// arguments is what the caller wants; empty for what is not wanted.
type arguments struct {
	list, database, in, out string
	metrics                 bool
}

const usage = `usage: node [--import FILE] [--export FILE] [--metrics] LIST
       node [--import FILE] [--export FILE] [--metrics] [--database DATABASE]

The first lives a simulated day with the addresses of LIST. The second lives no day.
  --import FILE        adds the addresses of a file; before the day, if there is one
  --export FILE        writes the addresses of all peers to a file; after the day
  --metrics            prints the counts as Prometheus reads them
  --database DATABASE  where the peers are kept; a day has a database of its own
  --help, -h           prints this
`

func main() {
	wanted, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		fmt.Print(usage)
		return
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "node: %v\n%s", err, usage)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err = run(ctx, wanted, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "node:", err)
		os.Exit(1)
	}
}

func parse(words []string) (arguments, error) {
	var wanted arguments
	flags := flag.NewFlagSet("node", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // main prints the error and the usage
	flags.StringVar(&wanted.in, "import", "", "")
	flags.StringVar(&wanted.out, "export", "", "")
	flags.StringVar(&wanted.database, "database", "", "")
	flags.BoolVar(&wanted.metrics, "metrics", false, "")
	if err := flags.Parse(words); err != nil {
		return wanted, err
	}
	wanted.list = flags.Arg(0)
	switch {
	case flags.NArg() > 1:
		return wanted, errors.New("there is more than one list")
	case wanted.list == "" && wanted.in == "" && wanted.out == "" && !wanted.metrics:
		return wanted, errors.New("there is nothing to do")
	case wanted.list != "" && wanted.database != "":
		return wanted, errors.New("a day has a database of its own")
	}
	return wanted, nil
}

func run(ctx context.Context, wanted arguments, out, report io.Writer) (err error) {
	if wanted.list == "" {
		return withoutDay(ctx, wanted, out, report)
	}
	directory, err := os.MkdirTemp("", "peermanager-node-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	database := filepath.Join(directory, "peers.db")
	clock := &clock{now: time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)}

	fmt.Fprintf(out, "A node in miniature: clock and network are simulated, so no packet is sent\n%s\n", pm.BuildInfo())
	peers, err := firstLife(ctx, wanted, database, clock, out, report)
	if err != nil {
		return err
	}
	defer peers.Close()
	return secondLife(ctx, database, clock, peers, out)
}

// withoutDay works on the database that was named, or in memory, with the library's own clock and seed.
func withoutDay(ctx context.Context, wanted arguments, out, report io.Writer) (err error) {
	peers, err := pm.Open(ctx, pm.Options{Path: wanted.database})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, peers.Close()) }()
	if err := before(ctx, peers, wanted, report); err != nil {
		return err
	}
	return after(peers, wanted, out)
}

// before is what is asked for besides a day: the list that goes in before it.
func before(ctx context.Context, peers *pm.Manager, wanted arguments, report io.Writer) error {
	if wanted.in == "" {
		return nil
	}
	_, err := importPeers(ctx, peers, wanted.in, 0, report)
	return err
}

// after is what comes out after it.
func after(peers *pm.Manager, wanted arguments, out io.Writer) error {
	if wanted.out != "" {
		if err := exportPeers(peers, wanted.out); err != nil {
			return err
		}
	}
	if !wanted.metrics {
		return nil
	}
	stats, err := peers.Stats()
	if err != nil {
		return err
	}
	return metrics.Write(out, stats)
}

// clock is turned by the program, so that a day passes in an instant. It is not read meanwhile.
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
func firstLife(ctx context.Context, wanted arguments, database string, clock *clock, out, report io.Writer) (_ *pm.Snapshot, err error) {
	peers, err := open(ctx, database, clock)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, peers.Close()) }()
	list, err := importPeers(ctx, peers, wanted.list, preferredPeers, report)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "%d addresses read, %d new; %d lines skipped\n", list.read, list.added, list.bad)
	if err := before(ctx, peers, wanted, report); err != nil {
		return nil, err
	}
	day := &day{peers: peers, clock: clock, out: out}
	if err := day.live(ctx); err != nil {
		return nil, err
	}
	if wanted.metrics {
		fmt.Fprintln(out, "\n-- what Prometheus would read")
	}
	if err := after(peers, wanted, out); err != nil {
		return nil, err
	}
	return peers.Snapshot()
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
	fmt.Fprintln(out, "\nNext: bindings/go/README.md has a node of one page; docs/getting-started.md has the reasons.")
	return nil
}
