package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	pm "peer-manager.example/go/peermanager"
)

const (
	feeling   = 2 * time.Minute  // how often it finds out whether a peer that it has only heard of is there
	rotation  = 2 * time.Hour    // how often it hangs up, so that a patient attacker does not keep its places
	talking   = 14 * time.Minute // how often it listens and answers
	slots     = 8                // connections that the node wants
	online    = 2                // with fewer, its own line is taken to be cut
	gossip    = 2                // addresses that a peer sends at a time
	shared    = 8                // addresses that a peer is sent at a time
	purgeHour = 20               // then those that failed too often are removed
)

type connection struct {
	peer pm.Address
	ends time.Time
}

// day is what a node does: it dials whom the library says, hears of others from its peers, and answers those that ask.
type day struct {
	peers       *pm.Manager
	clock       *clock
	out         io.Writer
	connections []connection

	answered, failed, heard, shared int // in this hour
}

func (d *day) live(ctx context.Context) error {
	morning := d.clock.now
	fmt.Fprint(d.out, "\n-- a day, hour by hour\n"+
		"known, due        peers in the table; those of them that may be dialled now\n"+
		"answered, failed  how the dials went\n"+
		"heard, shared     addresses that peers sent and that were new; addresses sent to peers\n"+
		"connected         places for connections that are taken; none while the line is down\n\n"+
		" hour    known      due answered   failed    heard   shared   connected\n")
	allAnswered, allShared := 0, 0
	for hour := range 24 {
		d.answered, d.failed, d.heard, d.shared = 0, 0, 0, 0
		begins := morning.Add(time.Duration(hour) * time.Hour)
		if isDown(begins) {
			fmt.Fprintln(d.out, "       the line is down")
		}
		if hour == purgeHour {
			// A day is too short for ReallyDead, with which a real node removes peers.
			removed, err := d.peers.RemovePeersWithManyFailures(ctx, pm.MaxFailures)
			if err != nil {
				return err
			}
			fmt.Fprintf(d.out, "       %d peers removed that failed %d times or more\n", removed, pm.MaxFailures)
		}
		for d.clock.now = begins; d.clock.now.Before(begins.Add(time.Hour)); d.clock.now = d.clock.now.Add(feeling) {
			if err := d.turn(ctx); err != nil {
				return err
			}
		}
		if err := d.report(hour); err != nil {
			return err
		}
		allAnswered += d.answered
		allShared += d.shared
	}
	if allAnswered == 0 {
		return fmt.Errorf("not one dial of the day was answered")
	}
	return d.remark(allShared)
}

// remark says what the hours show.
func (d *day) remark(allShared int) error {
	stats, err := d.peers.Stats()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.out, "\nLook at 13:00: the line was down, and every dial failed. The node had said that it was offline, so\n"+
		"failures did not count: %d of this day, which made no peer wait for longer than a minute.\n"+
		"Back-off at work: at the end %d of %d peers wait, after n failures in a row for up to 10 * 2^n seconds.\n"+
		"%d addresses were shared: none private, none the asker's own.\n",
		stats.ForgivenFailures, stats.Peers-stats.Ready, stats.Peers, allShared)
	return err
}

func (d *day) report(hour int) error {
	stats, err := d.peers.Stats()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(d.out, "%02d:00 %8d %8d %8d %8d %8d %8d   %d of %d\n", hour, stats.Peers, stats.Ready, d.answered,
		d.failed, d.heard, d.shared, len(d.connections), slots)
	return err
}

func (d *day) turn(ctx context.Context) error {
	d.hangUpWhatEnds()
	if d.isTime(rotation) && len(d.connections) > 0 {
		i := pick(d.clock.now, len(d.connections))
		d.connections = slices.Delete(d.connections, i, i+1)
	}
	if err := d.peers.SetOnline(len(d.connections) >= online); err != nil {
		return err
	}
	if err := d.dial(ctx, pm.PurposeConnect, slots-len(d.connections)); err != nil {
		return err
	}
	if err := d.dial(ctx, pm.PurposeFeeler, 1); err != nil {
		return err
	}
	if len(d.connections) == 0 || !d.isTime(talking) {
		return nil
	}
	someone := d.connections[pick(d.clock.now, len(d.connections))].peer
	if err := d.hearGossip(ctx, someone); err != nil {
		return err
	}
	return d.answer(someone)
}

// isTime reports whether it is time for what is done every so often.
func (d *day) isTime(every time.Duration) bool { return d.clock.now.Equal(d.clock.now.Truncate(every)) }

func (d *day) hangUpWhatEnds() {
	kept := d.connections[:0]
	for _, c := range d.connections {
		if c.ends.After(d.clock.now) && !isDown(d.clock.now) {
			kept = append(kept, c)
		}
	}
	d.connections = kept
}

// dial dials up to so many peers, as the library chooses, all at once, and reports how that went.
func (d *day) dial(ctx context.Context, purpose pm.Purpose, wanted int) error {
	var busy []pm.Address
	for _, c := range d.connections {
		busy = append(busy, c.peer)
	}
	chosen, err := d.peers.NextToDial(purpose, busy, wanted)
	if err != nil {
		return err
	}
	answered := make([]bool, len(chosen))
	var dials sync.WaitGroup
	for i, peer := range chosen {
		dials.Add(1)
		go func() {
			defer dials.Done()
			answered[i] = answers(peer, d.clock.now)
		}()
	}
	dials.Wait()
	for i, peer := range chosen {
		if !answered[i] {
			d.failed++
			if err := d.peers.UpdateBackoff(ctx, peer, pm.BackoffIncrease); err != nil {
				return err
			}
			continue
		}
		d.answered++
		// A dial does not show who is preferred (false), so a preferred peer stays so.
		if err := d.peers.Update(ctx, peer, pm.TypeOutbound, false, pm.BackoffReset); err != nil {
			return err
		}
		if purpose == pm.PurposeConnect { // otherwise it was a feeler: we know now that the peer is there
			ends := d.clock.now.Add(connectionLength(peer, d.clock.now))
			d.connections = append(d.connections, connection{peer, ends})
		}
	}
	return nil
}

func (d *day) hearGossip(ctx context.Context, teller pm.Address) error {
	var heard []pm.Address
	for n := range gossip {
		address, err := gossipOf(teller, d.clock.now, n)
		if err != nil {
			return err
		}
		heard = append(heard, address)
	}
	inserted, err := d.peers.EnsureExistsMany(ctx, heard)
	d.heard += inserted
	return err
}

// answer sends a peer the addresses of others, and checks what the library promises: nothing private, and never the asker.
func (d *day) answer(asker pm.Address) error {
	chosen, err := d.peers.PeersToSend(nil, asker, shared)
	if err != nil {
		return err
	}
	for _, peer := range chosen {
		if peer == asker || peer.IsPrivate() {
			return fmt.Errorf("%v would be sent %v", asker, peer)
		}
	}
	d.shared += len(chosen)
	return nil
}
