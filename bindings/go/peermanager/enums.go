package peermanager

// #include "shim.h"
import "C"

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
func (t PeerType) String() string { return peerTypes.name(uint32(t)) }

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
func (b Backoff) String() string { return backoffs.name(uint32(b)) }

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
func (d Durability) String() string { return durabilities.name(uint32(d)) }

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
func (o OnCorrupt) String() string { return onCorrupts.name(uint32(o)) }

// TypeFilter chooses peers by type. The zero TypeFilter is FilterAnyOutbound: the peers that a node dials.
type TypeFilter uint32

// The filters. The numbers are those of this package.
const (
	// FilterAnyOutbound is outbound and preferred peers. The default.
	FilterAnyOutbound TypeFilter = iota
	// FilterAny is every peer.
	FilterAny
	FilterInboundOnly
	FilterOutboundOnly
	FilterPreferredOnly
	// FilterNotPreferred is inbound and outbound peers: it tells strangers nothing of the operator's own peers.
	FilterNotPreferred
)

// String is "any outbound", "any", "inbound only", "outbound only", "preferred only" or "not preferred".
func (f TypeFilter) String() string { return typeFilters.name(uint32(f)) }

// filtersInC are the numbers of the library.
var filtersInC = [...]C.uint32_t{
	FilterAnyOutbound:   C.PEER_MANAGER_FILTER_ANY_OUTBOUND,
	FilterAny:           C.PEER_MANAGER_FILTER_ANY,
	FilterInboundOnly:   C.PEER_MANAGER_FILTER_INBOUND_ONLY,
	FilterOutboundOnly:  C.PEER_MANAGER_FILTER_OUTBOUND_ONLY,
	FilterPreferredOnly: C.PEER_MANAGER_FILTER_PREFERRED_ONLY,
	FilterNotPreferred:  C.PEER_MANAGER_FILTER_NOT_PREFERRED,
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
func (r Reach) String() string { return reaches.name(uint32(r)) }

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
func (p Purpose) String() string { return purposes.name(uint32(p)) }

const (
	// MaxFailures is the number of failures from which a node usually tells others no more about a peer.
	MaxFailures = C.PEER_MANAGER_MAX_FAILURES
	// ReallyDead is the most failures with which a peer is dialled still.
	ReallyDead = C.PEER_MANAGER_REALLY_DEAD
)
