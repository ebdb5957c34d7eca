package peermanager

// #include "shim.h"
import "C"

import (
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// ask makes a call that never waits for the disk.
func (m *Manager) ask(f func(*C.peer_manager, *scratch) C.peer_manager_status) error {
	h, err := m.open()
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(m)
	return h.call(f)
}

// Load returns what is known of an address; [ErrNotFound] when it is not known.
func (m *Manager) Load(address Address) (Record, error) {
	var record Record
	err := m.ask(func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		status := C.peer_manager_load(pm, address.put(&s.address), &s.record, &s.err)
		if status == C.PEER_MANAGER_OK {
			record = recordAt(address, &s.record)
		}
		return status
	})
	return record, err
}

// LoadRandomPeers draws size of the peers that the query admits, or as many as there are: uniformly, without
// replacement, in random order.
func (m *Manager) LoadRandomPeers(query Query, size int) ([]Address, error) {
	c, err := query.toC()
	if err != nil {
		return nil, err
	}
	return m.draw(size, func(pm *C.peer_manager, s *scratch, out []C.peer_manager_address) C.peer_manager_status {
		exclude := putAddresses(query.Exclude)
		return C.peermanager_load_random_peers(pm, c, unsafe.SliceData(exclude), C.size_t(len(exclude)),
			C.size_t(len(out)), unsafe.SliceData(out), &s.count, &s.err)
	})
}

// NextToDial draws up to size peers to dial now, but none that is busy, which this node has dialled and is connected
// to or is dialling: the whole policy in one call. [PurposeConnect], for size free places, takes known peers first, one of
// each netgroup, the most senior first; [PurposeFeeler] a peer that was only heard of, to be tried and then hung up on, every
// two minutes. Report each outcome with [Manager.Update], or with [Manager.UpdateBackoff] for a failure.
func (m *Manager) NextToDial(purpose Purpose, busy []Address, size int) ([]Address, error) {
	return m.draw(size, func(pm *C.peer_manager, s *scratch, out []C.peer_manager_address) C.peer_manager_status {
		in := putAddresses(busy)
		return C.peer_manager_next_to_dial(pm, C.uint32_t(purpose), unsafe.SliceData(in), C.size_t(len(in)),
			C.size_t(len(out)), unsafe.SliceData(out), &s.count, &s.err)
	})
}

// Netgroup is an opaque number that two addresses, in the table or not, have in common exactly if this manager counts them
// as one netgroup. It means nothing to another manager.
func (m *Manager) Netgroup(address Address) (uint64, error) {
	var netgroup C.uint64_t
	err := m.ask(func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		var in C.peer_manager_address
		return C.peer_manager_address_netgroup(pm, address.put(&in), &netgroup, &s.err)
	})
	return uint64(netgroup), err
}

// NextDue is when the next waiting peer becomes due, so that a node need not poll; [ErrNotFound] when none waits.
func (m *Manager) NextDue() (time.Time, error) {
	var due time.Time
	err := m.ask(func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		var seconds C.int64_t
		status := C.peer_manager_next_due(pm, &seconds, &s.err)
		if status == C.PEER_MANAGER_OK {
			due = timeAt(seconds)
		}
		return status
	})
	return due, err
}

// SetOnline says whether the node itself is online, which it is at first. While it is offline, [BackoffIncrease] leaves the
// failures as they are and has the peer wait for a minute at most: the peer is not to blame. A good rule: offline while fewer
// than two connections stand.
func (m *Manager) SetOnline(online bool) error {
	return m.ask(func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_set_online(pm, truth(online), &s.err)
	})
}

// PeersToSend draws peers to tell the asker about: never private addresses, never asker; preferred before outbound before
// inbound. The query may be nil, for every type, whatever the failures and the next attempt. A query that is given replaces all
// of that: the zero Query shares only what this node itself would dial now. asker may be the zero Address.
func (m *Manager) PeersToSend(query *Query, asker Address, size int) ([]Address, error) {
	hasQuery := C.int(1)
	if query == nil {
		hasQuery = 0
		query = new(Query)
	}
	c, err := query.toC()
	if err != nil {
		return nil, err
	}
	return m.draw(size, func(pm *C.peer_manager, s *scratch, out []C.peer_manager_address) C.peer_manager_status {
		var exclude *C.peer_manager_address
		if asker.IsValid() {
			exclude = asker.put(&s.address)
		}
		others := putAddresses(query.Exclude)
		return C.peermanager_get_peers_to_send(pm, hasQuery, c, unsafe.SliceData(others), C.size_t(len(others)),
			exclude, C.size_t(len(out)), unsafe.SliceData(out), &s.count, &s.err)
	})
}

// usualAnswer is how many addresses a reused buffer holds; a larger one is allocated when it is needed.
const usualAnswer = 64

var answers = sync.Pool{New: func() any { return new([usualAnswer]C.peer_manager_address) }}

// draw makes room for the answer, calls f and copies what it drew.
func (m *Manager) draw(size int, f func(*C.peer_manager, *scratch, []C.peer_manager_address) C.peer_manager_status) ([]Address, error) {
	if size < 0 {
		return nil, invalidArgument("size is %d; give 0 or more", size)
	}
	var drawn []Address
	err := m.ask(func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		var out []C.peer_manager_address
		if size <= usualAnswer {
			usual := answers.Get().(*[usualAnswer]C.peer_manager_address)
			defer answers.Put(usual)
			out = usual[:size]
		} else { // no more than there can be: a caller that asks for all may give any number
			out = make([]C.peer_manager_address, min(size, int(C.peer_manager_peer_count(pm))))
		}
		status := f(pm, s, out)
		if status == C.PEER_MANAGER_OK {
			drawn = addressesOf(out[:s.count])
		}
		return status
	})
	return drawn, err
}

// PeerCount is the number of peers; 0 after Close.
func (m *Manager) PeerCount() int {
	var count C.size_t
	_ = m.ask(func(pm *C.peer_manager, _ *scratch) C.peer_manager_status {
		count = C.peer_manager_peer_count(pm)
		return C.PEER_MANAGER_OK
	})
	return int(count)
}

// Stats returns counts of peers, writes and refusals.
func (m *Manager) Stats() (Stats, error) {
	var stats Stats
	err := m.ask(func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		var c C.peer_manager_stats
		C.peer_manager_stats_init(&c, C.size_t(unsafe.Sizeof(c)))
		status := C.peer_manager_get_stats(pm, &c, &s.err)
		if status == C.PEER_MANAGER_OK {
			stats = Stats{
				Durability:       Durability(c.durability),
				Peers:            uint64(c.peers),
				Inbound:          uint64(c.inbound),
				Outbound:         uint64(c.outbound),
				Preferred:        uint64(c.preferred),
				Ready:            uint64(c.ready),
				Netgroups:        uint64(c.netgroups),
				PendingWrites:    uint64(c.pending_writes),
				FailedWrites:     uint64(c.failed_writes),
				SkippedRows:      uint64(c.skipped_rows),
				RefusedPeers:     uint64(c.refused_peers),
				Bans:             uint64(c.bans),
				LogBytes:         uint64(c.log_bytes),
				ForgivenFailures: uint64(c.forgiven_failures),
				RejectedRows:     uint64(c.rejected_rows),
			}
		}
		return status
	})
	return stats, err
}

// Quarantine returns what happened to the file, if it was damaged when the manager was opened.
func (m *Manager) Quarantine() (Quarantine, error) {
	var quarantine Quarantine
	err := m.ask(func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		var saved, lost C.uint64_t
		path := make([]C.char, 4096) // enough for every path of Linux
		status := C.peer_manager_get_quarantine(pm, &path[0], C.size_t(len(path)), &saved, &lost, &s.err)
		if status == C.PEER_MANAGER_OK {
			quarantine = Quarantine{C.GoString(&path[0]), uint64(saved), uint64(lost)}
		}
		return status
	})
	return quarantine, err
}
