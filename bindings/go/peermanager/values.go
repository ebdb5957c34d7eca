package peermanager

// #include "shim.h"
import "C"

import (
	"math"
	"time"
	"unsafe"
)

// Record is all that is known of one peer. Records that the library made may be compared with ==, and JSON brings them back
// as they were; encoding/json refuses a NextAttempt after the year 9999.
type Record struct {
	// Address is where it listens.
	Address Address
	// NextAttempt is when it may be dialled next, in whole seconds and UTC. A peer that is never due has the last time that
	// time.Time puts in order, some 292 billion years from now.
	NextAttempt time.Time
	// NumFailures counts the failures since the last success.
	NumFailures uint32
	// PeerType is what it is known as.
	PeerType PeerType
}

// NewRecord makes the record of a peer that was just heard of: inbound, no failures, due at now.
func NewRecord(address Address, now time.Time) (Record, error) {
	var in C.peer_manager_address
	var out C.peer_manager_record
	var e C.peer_manager_error
	if C.peer_manager_record_init(address.put(&in), secondsAt(now), &out, &e) != C.PEER_MANAGER_OK {
		return Record{}, newError(&e)
	}
	return recordOf(&out), nil
}

// IsReady reports whether the next attempt is due.
func (r Record) IsReady(now time.Time) bool {
	var c C.peer_manager_record
	return bool(C.peer_manager_record_is_ready(r.put(&c), secondsAt(now)))
}

func (r Record) put(c *C.peer_manager_record) *C.peer_manager_record {
	r.Address.put(&c.address)
	c.next_attempt = secondsAt(r.NextAttempt)
	c.num_failures = C.uint32_t(r.NumFailures)
	c.peer_type = C.uint32_t(r.PeerType)
	return c
}

func recordOf(c *C.peer_manager_record) Record { return recordAt(addressOf(&c.address), c) }

// recordAt is the record of an address that is canonical already: its text needs no copy.
func recordAt(address Address, c *C.peer_manager_record) Record {
	return Record{
		Address:     address,
		NextAttempt: timeAt(c.next_attempt),
		NumFailures: uint32(c.num_failures),
		PeerType:    PeerType(c.peer_type),
	}
}

// Query says which peers are eligible. The zero Query is for dialling: outbound and preferred peers whose next attempt is due
// and that have failed at most [ReallyDead] times.
type Query struct {
	// TypeFilter chooses by type.
	TypeFilter TypeFilter
	// IgnoreNextAttempt admits also peers whose next attempt is not due, which ignores their back-off.
	IgnoreNextAttempt bool
	// MaxNumFailures is the most failures; nil for [ReallyDead]. [AtMost] makes one.
	MaxNumFailures *uint32
	// MaxPerNetgroup, when it is not 0, is the most peers of one netgroup, and makes each draw pick a netgroup first, so that
	// an attacker's share is the share of netgroups it holds, not of addresses. 0 makes every peer equally likely.
	MaxPerNetgroup uint32
	// Exclude are peers to leave out, e.g. those connected now.
	Exclude []Address
	// Seniority, when it is more than 1 (at most 64), gives each place in the answer to the most senior of this many draws.
	// Of inbound peers that is the one heard of first, of the others the one that became outbound or preferred first. A flood
	// cannot be old.
	Seniority uint32
	// Apart leaves out every peer of a netgroup that an address in Exclude is in.
	Apart bool
	// Networks admits only peers of these networks; 0 for all.
	Networks Networks
	// ShareKey says which of the shared lists answers [Manager.PeersToSend] with Options.ShareCache, from 0 to 15. With one
	// for each network and each local address, the answers do not show that they are of one node.
	ShareKey uint32
	// HeardSince admits only peers that were heard of, or reached, at or after this time, which is known to the day
	// ([History].LastHeard); the zero Time for any. It needs [Options].KeepHistory. It and ReachedSince cost a draw for each
	// peer that they leave out, so where these are most, the query is linear in the others that it admits.
	HeardSince time.Time
	// ReachedSince admits only peers that were reached at or after this time; the zero Time for any. It needs
	// [Options].KeepHistory.
	ReachedSince time.Time
}

// AnyNumFailures is the bound of a query that admits peers whatever their failures: AtMost(AnyNumFailures).
const AnyNumFailures uint32 = math.MaxUint32

// AtMost is a bound for [Query].MaxNumFailures.
func AtMost(numFailures uint32) *uint32 { return &numFailures }

// toC leaves out the excluded addresses, which are passed separately.
func (q *Query) toC() (C.peer_manager_query, error) {
	if uint64(q.TypeFilter) >= uint64(len(filtersInC)) {
		return C.peer_manager_query{}, invalidArgument("the type filter is %v; give one such as %v", q.TypeFilter, FilterAny)
	}
	c := C.peer_manager_query{
		type_filter: filtersInC[q.TypeFilter], has_max_num_failures: 1, max_num_failures: ReallyDead,
		max_per_netgroup: C.uint32_t(q.MaxPerNetgroup), seniority: C.uint32_t(q.Seniority),
		networks: C.uint32_t(q.Networks), share_key: C.uint32_t(q.ShareKey),
		heard_since: secondsOf(q.HeardSince), reached_since: secondsOf(q.ReachedSince),
	}
	c.struct_size = C.uint32_t(unsafe.Sizeof(c))
	if !q.IgnoreNextAttempt {
		c.use_next_attempt = 1
	}
	if q.Apart {
		c.apart = 1
	}
	if q.MaxNumFailures != nil {
		c.max_num_failures = C.uint32_t(*q.MaxNumFailures)
	}
	return c, nil
}

// Stats counts what is in the table and what happened since it was opened.
type Stats struct {
	// Durability is how the manager was opened.
	Durability Durability
	// Peers is all peers; Inbound, Outbound and Preferred are those of each type.
	Peers, Inbound, Outbound, Preferred uint64
	// Ready is the peers whose next attempt is due.
	Ready uint64
	// Netgroups is the netgroups with at least one peer: an IPv4 /16, an IPv6 /32, each name one of its own.
	Netgroups uint64
	// PendingWrites is, with DurabilityDeferred, the changes that are not in the file yet.
	PendingWrites uint64
	// FailedWrites is the writes to the database that failed.
	FailedWrites uint64
	// SkippedRows is the rows of the database that were not valid peers.
	SkippedRows uint64
	// RefusedPeers is the peers that a bound or a policy refused since the manager was opened, with those that it left in the
	// file then.
	RefusedPeers uint64
	// Bans is the bans that last; see [Manager.Ban].
	Bans uint64
	// LogBytes is the size of the write-ahead log, which grows as long as a reader of the file does not end.
	LogBytes uint64
	// ForgivenFailures is the failures that did not count, because the node was offline; see [Manager.SetOnline].
	ForgivenFailures uint64
	// RejectedRows is the changes that the file's own constraints refused since the manager was opened.
	RejectedRows uint64
}

// Quarantine says what became of a damaged file; see [OnCorruptQuarantine].
type Quarantine struct {
	// Path is where the damaged file is now; empty when there was no damage.
	Path string
	// Saved is how many peers were read of it and are in the new file.
	Saved uint64
	// Lost is how many rows could not be read, of those that there is a trace of.
	Lost uint64
}
