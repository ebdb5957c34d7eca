package peermanager

// #include "shim.h"
import "C"

import (
	"fmt"
	"strings"
)

// PeerType is what a peer is known as.
type PeerType uint32

// The types of peers.
const (
	// TypeInbound is known from an incoming connection or from gossip: never dialled successfully yet.
	TypeInbound PeerType = C.PEER_MANAGER_TYPE_INBOUND
	// TypeOutbound was dialled successfully at least once.
	TypeOutbound PeerType = C.PEER_MANAGER_TYPE_OUTBOUND
	// TypePreferred was chosen by the operator.
	TypePreferred PeerType = C.PEER_MANAGER_TYPE_PREFERRED
)

// String is "inbound", "outbound" or "preferred".
func (t PeerType) String() string {
	return name("PeerType", uint32(t), "inbound", "outbound", "preferred")
}

// Backoff is how an attempt to reach a peer went.
type Backoff uint32

// The kinds of back-off.
const (
	// BackoffHardReset resets the failures to 0 and makes the peer due now.
	BackoffHardReset Backoff = C.PEER_MANAGER_BACKOFF_HARD_RESET
	// BackoffReset resets the failures to 0 and waits for 1 to 10 seconds: a dial that succeeded.
	BackoffReset Backoff = C.PEER_MANAGER_BACKOFF_RESET
	// BackoffIncrease counts one more failure and waits for a random time, up to twice as long as before: a dial that
	// failed.
	BackoffIncrease Backoff = C.PEER_MANAGER_BACKOFF_INCREASE
)

// String is "hard reset", "reset" or "increase".
func (b Backoff) String() string {
	return name("Backoff", uint32(b), "hard reset", "reset", "increase")
}

// Durability says when a call that changes peers returns.
type Durability uint32

// The kinds of durability.
const (
	// DurabilityCommit returns when the change survives a crash of the process. The default.
	DurabilityCommit Durability = C.PEER_MANAGER_DURABILITY_COMMIT
	// DurabilitySync returns when the change survives a loss of power.
	DurabilitySync Durability = C.PEER_MANAGER_DURABILITY_SYNC
	// DurabilityDeferred returns at once; a thread of the library writes what has changed a moment later.
	DurabilityDeferred Durability = C.PEER_MANAGER_DURABILITY_DEFERRED
)

// String is "commit", "sync" or "deferred".
func (d Durability) String() string {
	return name("Durability", uint32(d), "commit", "sync", "deferred")
}

// OnCorrupt says what to do with a damaged file.
type OnCorrupt uint32

// What to do with a damaged file.
const (
	// OnCorruptFail refuses it and leaves it as it is. The default.
	OnCorruptFail OnCorrupt = C.PEER_MANAGER_ON_CORRUPT_FAIL
	// OnCorruptQuarantine renames it and saves what can be read to a new file; see [Manager.Quarantine].
	OnCorruptQuarantine OnCorrupt = C.PEER_MANAGER_ON_CORRUPT_QUARANTINE
)

// String is "fail" or "quarantine".
func (o OnCorrupt) String() string {
	return name("OnCorrupt", uint32(o), "fail", "quarantine")
}

// Filter chooses peers by type.
type Filter uint32

// The filters.
const (
	FilterInboundOnly   Filter = C.PEER_MANAGER_FILTER_INBOUND_ONLY
	FilterOutboundOnly  Filter = C.PEER_MANAGER_FILTER_OUTBOUND_ONLY
	FilterPreferredOnly Filter = C.PEER_MANAGER_FILTER_PREFERRED_ONLY
	// FilterAnyOutbound is outbound and preferred peers.
	FilterAnyOutbound Filter = C.PEER_MANAGER_FILTER_ANY_OUTBOUND
	// FilterAny is every peer.
	FilterAny Filter = C.PEER_MANAGER_FILTER_ANY
	// FilterNotPreferred is inbound and outbound peers: it tells strangers nothing of the operator's own peers.
	FilterNotPreferred Filter = C.PEER_MANAGER_FILTER_NOT_PREFERRED
)

// String is "inbound only", "outbound only", "preferred only", "any outbound", "any" or "not preferred".
func (f Filter) String() string {
	return name("Filter", uint32(f), "inbound only", "outbound only", "preferred only", "any outbound", "any",
		"not preferred")
}

// Reach says which addresses a node wants and tells others about.
type Reach uint32

// What a node reaches.
const (
	// ReachSpecification, the default: everything is stored and drawn, private addresses are never told to others.
	ReachSpecification Reach = C.PEER_MANAGER_REACH_SPECIFICATION
	// ReachPublic is for nodes on the Internet: gossip of an address that is not routable is refused with [ErrRefused], and
	// none is drawn or told, unless it is preferred (told: never).
	ReachPublic Reach = C.PEER_MANAGER_REACH_PUBLIC
	// ReachPrivate is for test networks, a LAN, containers: private addresses are told to others like any address.
	ReachPrivate Reach = C.PEER_MANAGER_REACH_PRIVATE
)

// String is "specification", "public" or "private".
func (r Reach) String() string {
	return name("Reach", uint32(r), "specification", "public", "private")
}

// Networks is a set of networks that addresses belong to, by the form of their hosts; 0 is all of them.
type Networks uint32

// The networks; sets of them are made with |.
const (
	NetworkIPv4 Networks = C.PEER_MANAGER_NETWORK_IPV4
	// NetworkIPv6 is also the IPv6 addresses that wrap an IPv4 address.
	NetworkIPv6 Networks = C.PEER_MANAGER_NETWORK_IPV6
	// NetworkOnion is Tor's onion services, whose names end in .onion.
	NetworkOnion Networks = C.PEER_MANAGER_NETWORK_ONION
	// NetworkI2P is I2P's destinations, whose names end in .i2p.
	NetworkI2P Networks = C.PEER_MANAGER_NETWORK_I2P
	// NetworkName is all other names.
	NetworkName Networks = C.PEER_MANAGER_NETWORK_NAME
)

// String is the names of the networks with | between them, such as "ipv4|onion", or "all".
func (n Networks) String() string {
	if n == 0 {
		return "all"
	}
	var names []string
	for i, name := range [...]string{"ipv4", "ipv6", "onion", "i2p", "name"} {
		if bit := Networks(1) << i; n&bit != 0 {
			names = append(names, name)
			n &^= bit
		}
	}
	if n != 0 {
		names = append(names, fmt.Sprintf("Networks(%d)", uint32(n)))
	}
	return strings.Join(names, "|")
}

// Purpose is what a connection is for.
type Purpose uint32

// The purposes.
const (
	// PurposeConnect is a connection that is to stay.
	PurposeConnect Purpose = C.PEER_MANAGER_DIAL_CONNECT
	// PurposeFeeler finds out whether a peer that was only heard of can be reached, and is hung up.
	PurposeFeeler Purpose = C.PEER_MANAGER_DIAL_FEELER
)

// String is "connect" or "feeler".
func (p Purpose) String() string {
	return name("Purpose", uint32(p), "connect", "feeler")
}

const (
	// MaxFailures is the number of failures from which a node usually tells others no more about a peer.
	MaxFailures = C.PEER_MANAGER_MAX_FAILURES
	// ReallyDead is the most failures with which a peer is dialled still.
	ReallyDead = C.PEER_MANAGER_REALLY_DEAD
)

func name(kind string, value uint32, names ...string) string {
	if uint64(value) < uint64(len(names)) {
		return names[value]
	}
	return fmt.Sprintf("%s(%d)", kind, value)
}
