package peermanager

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"context"
	"io"
	"math"
	"runtime"
	"runtime/cgo"
	"strings"
	"time"
	"unsafe"
)

// Version is the version of this package and of the library that it was written for.
const Version = "0.2.0"

// LibraryVersion is the version of the library that is loaded, which may be newer.
func LibraryVersion() string { return C.GoString(C.peer_manager_version_string()) }

// LibraryVersionNumber is the same as major * 1000000 + minor * 1000 + patch.
func LibraryVersionNumber() uint32 { return uint32(C.peer_manager_version_number()) }

// BuildInfo says in one line how the library that is loaded was built.
func BuildInfo() string { return C.GoString(C.peer_manager_build_info()) }

// Options says how a manager is opened. The zero Options is a table in memory, with the system's clock.
type Options struct {
	// Path is the database file, created if there is none; empty for a table in memory only.
	Path string
	// Durability says when a call that changes peers returns.
	Durability Durability
	// BusyTimeout is how long to wait for another user of the file; 0 for 5 seconds.
	BusyTimeout time.Duration
	// FlushInterval is, with DurabilityDeferred, how long after the first change of a group the group is written; 0 for
	// 100 milliseconds.
	FlushInterval time.Duration
	// OnCorrupt says what to do with a damaged file.
	OnCorrupt OnCorrupt
	// RNGSeed determines every random choice, for tests and simulations; nil for the system's randomness.
	RNGSeed *uint64
	// Clock gives the time; nil for the system's clock. It runs on the goroutine that calls the manager, on many at once,
	// and may use the manager, but not close it. If it panics, the call returns a [*ClockError]. It must not call
	// runtime.Goexit.
	Clock func() time.Time
	// MaxPeers is the most peers in the table; 0 for no bound. A new peer in a full table evicts the inbound peer with the
	// most failures: of its own netgroup if one there has failed, else of any. If no inbound peer has failed, it is refused
	// with [ErrLimit], in a batch left out, and counted in [Stats].RefusedPeers. Outbound and preferred peers are not
	// evicted; but with KeepHistory an outbound peer that has failed at least [MaxFailures] times and was not reached for 30
	// days is, before a new one is refused.
	MaxPeers uint64
	// MaxPeersPerNetgroup is the most peers of one netgroup (an IPv4 /16, an IPv6 /32, each name one of its own); 0 for no
	// bound. A new peer in a full netgroup evicts only a peer of that netgroup.
	MaxPeersPerNetgroup uint32
	// ShareCache makes PeersToSend answer everyone from one shared list, which is used for this long and a random time of
	// up to half as long again, so that no peer learns the table by asking often; 0 draws anew each time. It is rounded up
	// to whole seconds.
	ShareCache time.Duration
	// ShareMaxPercent is how much of each type the shared list may hold, in per cent; 0 for no limit.
	ShareMaxPercent uint32
	// Reach says which addresses the node wants and tells others about.
	Reach Reach
	// NameGroups counts all DNS names as one netgroup, and .onion and .i2p names as 16 each, by the first bits of the key;
	// else each name is one.
	NameGroups bool
	// KeepHistory keeps a [History] of each peer, in memory and in a table of its own in the file. Only then do
	// [Manager.LoadHistory], Query.HeardSince and Query.ReachedSince have an answer.
	KeepHistory bool
	// BackoffSeconds is the unit of the back-off; 0 for 10, the specification's. At most 3600.
	BackoffSeconds uint32
	// MaxBackoffExponent is how often the back-off doubles; 0 for 10, the specification's. At most 20.
	MaxBackoffExponent uint32
	// ASMapPath is a file in the format of Bitcoin Core's asmap.dat, by which netgroups are autonomous systems; empty for
	// netgroups by prefix. It is read once, and checked.
	ASMapPath string
}

// Manager is a table of peers, in memory and, if a path was given, in a file. Close it after use; one that was
// forgotten is closed after it was garbage-collected, some time later.
type Manager struct {
	h       *handle
	cleanup runtime.Cleanup
}

var _ io.Closer = (*Manager)(nil)

// Open opens a manager with these options. When the context ends early, opening goes on in the background, and the manager
// is then closed at once.
func Open(ctx context.Context, options Options) (*Manager, error) {
	if err := begin(ctx, "open"); err != nil {
		return nil, err
	}
	opened := make(chan *handle, 1)
	err := await(ctx, "open", func() error {
		h, err := open(options)
		opened <- h
		return err
	})
	if err != nil {
		go func() {
			if h := <-opened; h != nil {
				_ = h.close() // nothing was changed
			}
		}()
		return nil, err
	}
	m := &Manager{h: <-opened}
	m.cleanup = runtime.AddCleanup(m, func(h *handle) {
		go func() { _ = h.close() }() // it may wait for the disk, and no caller is left to tell
	}, m.h)
	return m, nil
}

// Close waits for the calls under way, writes what is not in the file yet and closes it. An error says that changes made
// with DurabilityDeferred could not be written; the manager is closed anyway. Closing twice does nothing. Only the
// manager's own clock cannot close it.
func (m *Manager) Close() error {
	if m == nil || m.h == nil {
		return nil
	}
	if m.h.clock.isInside() {
		return invalidArgument("the clock of a peer manager cannot close it; close it after the call")
	}
	m.cleanup.Stop()
	return m.h.close()
}

func open(options Options) (*handle, error) {
	var c C.peer_manager_options
	C.peer_manager_options_init(&c, C.size_t(unsafe.Sizeof(c)))
	if err := options.put(&c); err != nil {
		return nil, err
	}
	if options.Path != "" {
		c.db_path = C.CString(options.Path)
		defer C.free(unsafe.Pointer(c.db_path))
	}
	if options.ASMapPath != "" {
		c.asmap_path = C.CString(options.ASMapPath)
		defer C.free(unsafe.Pointer(c.asmap_path))
	}
	h := &handle{
		deferred: options.Path != "" && options.Durability == DurabilityDeferred,
		waits:    options.Path != "" && options.Durability != DurabilityDeferred,
		onFile:   options.Path != "",
		turn:     make(chan struct{}, 1),
		idle:     make(chan struct{}),
	}
	if options.Clock != nil {
		h.clock = newClock(options.Clock)
		h.clockHandle = cgo.NewHandle(h.clock)
		C.peermanager_set_clock(&c, C.uintptr_t(h.clockHandle))
	}
	var pm *C.peer_manager
	err := h.call(func(_ *C.peer_manager, s *scratch) C.peer_manager_status {
		return C.peer_manager_open(&c, &pm, &s.err)
	})
	h.pm = pm
	if err != nil {
		if pm != nil { // the clock panicked
			C.peer_manager_free(pm)
		}
		if h.clockHandle != 0 {
			h.clockHandle.Delete()
		}
		return nil, err
	}
	return h, nil
}

// put writes all but the paths and the clock.
func (o *Options) put(c *C.peer_manager_options) error {
	if strings.IndexByte(o.Path, 0) >= 0 {
		return invalidArgument("the path %s holds a NUL", quoted(o.Path))
	}
	if strings.IndexByte(o.ASMapPath, 0) >= 0 {
		return invalidArgument("the path %s of the AS map holds a NUL", quoted(o.ASMapPath))
	}
	busy, err := units("BusyTimeout", o.BusyTimeout, time.Millisecond)
	if err != nil {
		return err
	}
	flush, err := units("FlushInterval", o.FlushInterval, time.Millisecond)
	if err != nil {
		return err
	}
	share, err := units("ShareCache", o.ShareCache, time.Second)
	if err != nil {
		return err
	}
	c.durability = C.uint32_t(o.Durability)
	c.busy_timeout_ms = busy
	c.flush_interval_ms = flush
	c.on_corrupt = C.uint32_t(o.OnCorrupt)
	if o.RNGSeed != nil {
		c.has_rng_seed = 1
		c.rng_seed = C.uint64_t(*o.RNGSeed)
	}
	c.max_peers = C.uint64_t(o.MaxPeers)
	c.max_peers_per_netgroup = C.uint32_t(o.MaxPeersPerNetgroup)
	c.share_cache_seconds = share
	c.share_max_percent = C.uint32_t(o.ShareMaxPercent)
	c.reach = C.uint32_t(o.Reach)
	if o.NameGroups {
		c.name_groups = 1
	}
	if o.KeepHistory {
		c.keep_history = 1
	}
	c.backoff_seconds = C.uint32_t(o.BackoffSeconds)
	c.max_backoff_exponent = C.uint32_t(o.MaxBackoffExponent)
	return nil
}

// units is a duration in whole units, rounded up, because 0 has a meaning of its own.
func units(name string, d, unit time.Duration) (C.uint32_t, error) {
	if d < 0 {
		return 0, invalidArgument("%s is %v; give 0 or more", name, d)
	}
	n := d / unit
	if d%unit != 0 {
		n++
	}
	if n > math.MaxUint32 {
		return 0, invalidArgument("%s is %v; give at most %v", name, d, math.MaxUint32*unit)
	}
	return C.uint32_t(n), nil
}
