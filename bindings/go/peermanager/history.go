package peermanager

// #include "shim.h"
import "C"

import (
	"context"
	"time"
)

// History is when a peer was heard of, reached and tried, in whole seconds and UTC; the zero Time for never, and for what is
// not known. It is kept with [Options].KeepHistory only.
type History struct {
	// FirstHeard is when the peer was inserted; of one that was there before its history was kept, when something was noted
	// first.
	FirstHeard time.Time
	// LastHeard is when it was last inserted, or named by gossip ([Manager.EnsureExists]). It is known to the day: gossip
	// moves it only if it differs by a day or more, so that a peer's gossip writes at most once a day.
	LastHeard time.Time
	// FirstReached is when the peer was first reached: [BackoffReset] or [BackoffHardReset] was reported.
	FirstReached time.Time
	// LastReached is when it was last reached.
	LastReached time.Time
	// LastAttempt is when an attempt to reach it last failed: [BackoffIncrease] was reported.
	LastAttempt time.Time
}

// LoadHistory returns when a peer was heard of, reached and tried; [ErrNotFound] when it is not known, [ErrUnsupported]
// without [Options].KeepHistory.
func (m *Manager) LoadHistory(address Address) (History, error) {
	var history History
	err := m.ask(func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		var c C.peer_manager_history
		status := C.peer_manager_load_history(pm, address.put(&s.address), &c, &s.err)
		if status == C.PEER_MANAGER_OK {
			history = historyOf(&c)
		}
		return status
	})
	return history, err
}

// RemovePeersNotHeardSince removes the inbound peers that were never reached and were last heard of before that time, and
// returns how many there were. Peers of whose past nothing is known stay. [ErrUnsupported] without [Options].KeepHistory.
func (m *Manager) RemovePeersNotHeardSince(ctx context.Context, since time.Time) (int, error) {
	return m.count(ctx, "remove peers", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_remove_peers_not_heard_since(pm, secondsAt(since), &s.count, &s.err)
	})
}

func historyOf(c *C.peer_manager_history) History {
	return History{
		FirstHeard:   timeOf(c.first_heard),
		LastHeard:    timeOf(c.last_heard),
		FirstReached: timeOf(c.first_reached),
		LastReached:  timeOf(c.last_reached),
		LastAttempt:  timeOf(c.last_attempt),
	}
}

// timeOf is the zero Time for 0, which stands for none in C.
func timeOf(seconds C.int64_t) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return timeAt(seconds)
}

// secondsOf is 0 for the zero Time.
func secondsOf(t time.Time) C.int64_t {
	if t.IsZero() {
		return 0
	}
	return secondsAt(t)
}
