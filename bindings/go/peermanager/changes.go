package peermanager

// #include "shim.h"
import "C"

import (
	"context"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// change makes a call that changes peers.
func (m *Manager) change(ctx context.Context, what string, f func(*C.peer_manager, *scratch) C.peer_manager_status) error {
	h, err := m.open()
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(m) // or its cleanup might close the handle before the call has begun
	if err := begin(ctx, what); err != nil {
		return err
	}
	if h.waits {
		return h.wait(ctx, what, f)
	}
	return h.call(f)
}

// count makes a call that changes peers and writes how many to the scratch's count.
func (m *Manager) count(ctx context.Context, what string, f func(*C.peer_manager, *scratch) C.peer_manager_status) (int, error) {
	var count C.size_t
	err := m.change(ctx, what, func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		status := f(pm, s)
		if status == C.PEER_MANAGER_OK {
			count = s.count
		}
		return status
	})
	if err != nil {
		return 0, err // and count may yet be written
	}
	return int(count), nil
}

// open is the handle of a manager that Open made.
func (m *Manager) open() (*handle, error) {
	if m == nil || m.h == nil {
		return nil, ErrClosed
	}
	return m.h, nil
}

// Flush returns once everything that earlier calls changed survives a loss of power.
func (m *Manager) Flush(ctx context.Context) error {
	h, err := m.open()
	if err != nil {
		return err
	}
	defer runtime.KeepAlive(m)
	if err := begin(ctx, "flush"); err != nil {
		return err
	}
	flush := func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_flush(pm, &s.err)
	}
	if h.onFile {
		return h.wait(ctx, "flush", flush)
	}
	return h.call(flush)
}

// EnsureExists makes sure that an address is known: a new one is inbound, without failures, and due now.
func (m *Manager) EnsureExists(ctx context.Context, address Address) error {
	return m.change(ctx, "ensure that a peer exists", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_ensure_exists(pm, address.put(&s.address), &s.err)
	})
}

// EnsureExistsMany makes sure that many addresses are known, all or none, and returns how many were new.
func (m *Manager) EnsureExistsMany(ctx context.Context, addresses []Address) (int, error) {
	in := putAddresses(addresses)
	return m.count(ctx, "ensure that peers exist", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_ensure_exists_many(pm, unsafe.SliceData(in), C.size_t(len(in)), &s.count, &s.err)
	})
}

// Import adds the peers of another database file that are new, all or none, and returns how many there were; those that are
// known stay as they are. Those that a bound refuses, and those that are banned, are left out, and counted in RefusedPeers.
// Their data ([Manager.SetData]) comes with them, and with [Options].KeepHistory their history. The file, of this library or
// of stellar-core, is only read, and another process may have it open.
func (m *Manager) Import(ctx context.Context, path string) (int, error) {
	if strings.IndexByte(path, 0) >= 0 {
		return 0, invalidArgument("the path %s holds a NUL", quoted(path))
	}
	h, err := m.open()
	if err != nil {
		return 0, err
	}
	defer runtime.KeepAlive(m)
	if err := begin(ctx, "import peers"); err != nil {
		return 0, err
	}
	text := path + "\x00"
	var inserted C.size_t
	// It reads a file, so a table in memory may wait for the disk too.
	err = h.wait(ctx, "import peers", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		c := (*C.char)(unsafe.Pointer(unsafe.StringData(text)))
		status := C.peer_manager_import(pm, c, &s.count, &s.err)
		if status == C.PEER_MANAGER_OK {
			inserted = s.count
		}
		return status
	})
	if err != nil {
		return 0, err // and inserted may yet be written
	}
	return int(inserted), nil
}

// Store stores a record as it is, replacing what was known of its address.
func (m *Manager) Store(ctx context.Context, record Record) error {
	return m.change(ctx, "store a peer", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_store(pm, record.put(&s.record), &s.err)
	})
}

// StoreMany stores records, all or none. Of two with the same address, the later one wins.
func (m *Manager) StoreMany(ctx context.Context, records []Record) error {
	in := make([]C.peer_manager_record, len(records))
	for i, record := range records {
		record.put(&in[i])
	}
	return m.change(ctx, "store peers", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_store_many(pm, unsafe.SliceData(in), C.size_t(len(in)), &s.err)
	})
}

// UpdateType updates a peer's type by what it was observed to be; an unknown one is added first. preferredTypeKnown means that
// the caller knows all preferred peers: then a preferred peer that is observed as outbound becomes outbound. One that is
// observed as inbound becomes outbound in any case.
func (m *Manager) UpdateType(ctx context.Context, address Address, observed PeerType, preferredTypeKnown bool) error {
	return m.change(ctx, "update a peer's type", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_update_type(pm, address.put(&s.address), C.uint32_t(observed), truth(preferredTypeKnown), &s.err)
	})
}

// UpdateBackoff updates a peer's back-off by how an attempt to reach it went; an unknown one is added first.
func (m *Manager) UpdateBackoff(ctx context.Context, address Address, backoff Backoff) error {
	return m.change(ctx, "update a peer's back-off", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_update_backoff(pm, address.put(&s.address), C.uint32_t(backoff), &s.err)
	})
}

// Update does what UpdateType and UpdateBackoff do, in one change.
func (m *Manager) Update(ctx context.Context, address Address, observed PeerType, preferredTypeKnown bool, backoff Backoff) error {
	return m.change(ctx, "update a peer", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_update(pm, address.put(&s.address), C.uint32_t(observed), truth(preferredTypeKnown),
			C.uint32_t(backoff), &s.err)
	})
}

// Remove removes a peer; [ErrNotFound] when there is none.
func (m *Manager) Remove(ctx context.Context, address Address) error {
	return m.change(ctx, "remove a peer", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_remove(pm, address.put(&s.address), &s.err)
	})
}

// RemoveHost removes the peers of a host, on all its ports, and returns how many there were; 0 is no error. The host is an IPv4
// address, an IPv6 address without brackets or a name, in any spelling.
func (m *Manager) RemoveHost(ctx context.Context, host string) (int, error) {
	text, err := addressText(host)
	if err != nil {
		return 0, err
	}
	return m.count(ctx, "remove a host", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_remove_host(pm, text, &s.count, &s.err)
	})
}

// RemovePeersWithManyFailures removes the peers that have failed at least this many times, and returns how many there
// were. 0 removes all.
func (m *Manager) RemovePeersWithManyFailures(ctx context.Context, minNumFailures uint32) (int, error) {
	return m.count(ctx, "remove peers", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_remove_peers_with_many_failures(pm, C.uint32_t(minNumFailures), &s.count, &s.err)
	})
}

// LimitNextAttempt limits every peer's next attempt to latest, in whole seconds, and returns how many were changed. It
// repairs a table after a clock that was wrong.
func (m *Manager) LimitNextAttempt(ctx context.Context, latest time.Time) (int, error) {
	return m.count(ctx, "limit the next attempts", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_limit_next_attempt(pm, secondsAt(latest), &s.count, &s.err)
	})
}

// SetOwnAddresses replaces the list of the node's own addresses, of which it hears from others. They are removed, and from
// then on refused with [ErrRefused], in a batch left out and counted in RefusedPeers. The list lives in memory only: set it
// after each Open.
func (m *Manager) SetOwnAddresses(ctx context.Context, addresses []Address) error {
	in := putAddresses(addresses)
	return m.change(ctx, "set the node's own addresses", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_set_own_addresses(pm, unsafe.SliceData(in), C.size_t(len(in)), &s.err)
	})
}

// ClearAll removes all peers.
func (m *Manager) ClearAll(ctx context.Context) error {
	return m.change(ctx, "forget all peers", func(pm *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_clear_all(pm, &s.err)
	})
}

func truth(b bool) C.uint8_t {
	if b {
		return 1
	}
	return 0
}
