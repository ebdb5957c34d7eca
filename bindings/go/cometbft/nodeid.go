package cometbft

import (
	"encoding/hex"
	"net"
	"net/netip"
	"strings"

	"github.com/cometbft/cometbft/p2p"

	pm "peer-manager.example/go/peermanager"
)

// nodeID is a node id as the table stores it: the bytes, so that its spelling does not matter.
type nodeID [p2p.IDByteLength]byte

// maxClaims is how many ids fit into the data of an address.
const maxClaims = pm.DataCapacity / p2p.IDByteLength

// parseNodeID reads a node id in hexadecimal digits of either case.
func parseNodeID(id p2p.ID) (nodeID, bool) {
	var parsed nodeID
	if len(id) != hex.EncodedLen(len(parsed)) {
		return nodeID{}, false
	}
	if _, err := hex.Decode(parsed[:], []byte(id)); err != nil {
		return nodeID{}, false
	}
	return parsed, true
}

func (id nodeID) String() string { return hex.EncodeToString(id[:]) }

// idDomain is the domain of the names under which ids are banned, since bans are of hosts. No host has such a name, because the
// top-level domain "invalid" is set aside.
const idDomain = ".p2p-id.invalid"

// banSubject is the name under which the id is banned.
func (id nodeID) banSubject() string { return id.String() + idDomain }

// bannedID is the id that a ban is about, if it is about one.
func bannedID(subject string) (nodeID, bool) {
	digits, isName := strings.CutSuffix(subject, idDomain)
	if !isName {
		return nodeID{}, false
	}
	return parseNodeID(p2p.ID(digits))
}

// decodeClaims reads the data of an address: the ids that it is claimed for.
func decodeClaims(data []byte) []nodeID {
	if len(data)%p2p.IDByteLength != 0 {
		return nil // not data of this book
	}
	claims := make([]nodeID, 0, len(data)/p2p.IDByteLength)
	for ; len(data) > 0; data = data[p2p.IDByteLength:] {
		claims = append(claims, nodeID(data[:p2p.IDByteLength]))
	}
	return claims
}

func encodeClaims(claims []nodeID) []byte {
	data := make([]byte, 0, len(claims)*p2p.IDByteLength)
	for _, id := range claims {
		data = append(data, id[:]...)
	}
	return data
}

// addressOf is the part of a NetAddress that the table knows.
func addressOf(addr *p2p.NetAddress) (pm.Address, error) {
	ip, _ := netip.AddrFromSlice(addr.IP) // an IP that is none is refused with the zero Addr
	return pm.FromAddrPort(netip.AddrPortFrom(ip, addr.Port))
}

// netAddressOf is nil for an address with a host name, which CometBFT's messages have no room for.
func netAddressOf(id nodeID, address pm.Address) *p2p.NetAddress {
	ip := net.ParseIP(address.Host())
	if ip == nil {
		return nil
	}
	addr := p2p.NewNetAddressIPPort(ip, address.Port())
	addr.ID = p2p.ID(id.String())
	return addr
}
