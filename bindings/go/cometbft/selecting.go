package cometbft

import (
	"math"

	"github.com/cometbft/cometbft/p2p"

	pm "peer-manager.example/go/peermanager"
)

// CometBFT's numbers: how many addresses are enough, and how many are told to others.
const (
	needAddressThreshold = 1000
	minSelection         = 32
	maxSelection         = 250
	selectionPercent     = 23
)

const (
	newPeers = pm.FilterInboundOnly
	oldPeers = pm.FilterAnyOutbound
	allPeers = pm.FilterAny
)

// Size implements pex.AddrBook: the number of addresses.
func (b *Book) Size() int { return b.manager.PeerCount() }

// Empty implements pex.AddrBook.
func (b *Book) Empty() bool { return b.Size() == 0 }

// NeedMoreAddrs implements pex.AddrBook.
func (b *Book) NeedMoreAddrs() bool { return b.Size() < needAddressThreshold }

// PickAddress implements pex.AddrBook: an address to dial, a new one the likelier the more the bias, from 0 to 100, is
// towards new addresses. It is drawn from a random netgroup: one that is due, or if none is, any. nil if there is no address,
// or none of the kind that the bias chose.
func (b *Book) PickAddress(biasTowardsNewAddrs int) *p2p.NetAddress {
	b.mu.Lock()
	defer b.mu.Unlock()
	countNew, countOld, ok := b.counts()
	if !ok || countNew+countOld == 0 {
		return nil
	}
	bias := float64(min(max(biasTowardsNewAddrs, 0), 100))
	weightNew := math.Sqrt(float64(countNew)) * bias
	weightOld := math.Sqrt(float64(countOld)) * (100 - bias)
	filter := newPeers
	if b.rng.Float64()*(weightNew+weightOld) < weightOld {
		filter = oldPeers
	}
	query := all(filter)
	query.IgnoreNextAttempt = false
	query.MaxPerNetgroup = 1
	picked := b.draw(query, 1, b.anyClaim)
	if len(picked) == 0 {
		query.IgnoreNextAttempt = true
		picked = b.draw(query, 1, b.anyClaim)
	}
	if len(picked) == 0 {
		return nil
	}
	return picked[0]
}

// GetSelection implements pex.AddrBook: addresses to tell others about, all equally likely.
func (b *Book) GetSelection() []*p2p.NetAddress {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.draw(all(allPeers), selectionSize(b.Size()), b.bestClaim)
}

// GetSelectionWithBias implements pex.AddrBook: addresses to tell others about, first new ones, as many as the bias, from 0
// to 100 per cent, says, or more if there are not enough old ones; then old ones.
func (b *Book) GetSelectionWithBias(biasTowardsNewAddrs int) []*p2p.NetAddress {
	b.mu.Lock()
	defer b.mu.Unlock()
	countNew, countOld, ok := b.counts()
	if !ok {
		return nil
	}
	size := selectionSize(countNew + countOld)
	bias := float64(min(max(biasTowardsNewAddrs, 0), 100))
	wanted := max(int(math.Round(bias/100*float64(size))), size-countOld)
	selection := b.draw(all(newPeers), wanted, b.bestClaim)
	return append(selection, b.draw(all(oldPeers), size-len(selection), b.bestClaim)...)
}

// all are the peers of these types, also those that wait, whatever their failures.
func all(filter pm.TypeFilter) pm.Query {
	return pm.Query{TypeFilter: filter, IgnoreNextAttempt: true, MaxNumFailures: pm.AtMost(pm.AnyNumFailures)}
}

func selectionSize(bookSize int) int {
	return min(max(min(minSelection, bookSize), bookSize*selectionPercent/100), maxSelection)
}

func (b *Book) counts() (countNew, countOld int, ok bool) {
	stats, err := b.manager.Stats()
	if !b.report("count the addresses", err) {
		return 0, 0, false
	}
	return int(stats.Inbound), int(stats.Outbound + stats.Preferred), true
}

// anyClaim is for dialling, which finds out who is there.
func (b *Book) anyClaim(at peer) nodeID { return at.claims[b.rng.IntN(len(at.claims))] }

// bestClaim is for telling others.
func (b *Book) bestClaim(at peer) nodeID {
	if at.isOld() {
		return at.claims[0]
	}
	return b.anyClaim(at)
}

// draw draws addresses, and for each chooses one of the ids that it is claimed for; nil for none.
func (b *Book) draw(query pm.Query, size int, choose func(peer) nodeID) []*p2p.NetAddress {
	if size == 0 {
		return nil
	}
	drawn, err := b.manager.LoadRandomPeers(query, size)
	if !b.report("draw addresses", err) {
		return nil
	}
	var selection []*p2p.NetAddress
	for _, address := range drawn {
		at, err := b.peerAt(address)
		if err != nil || len(at.claims) == 0 {
			continue // an operator has banned it since; or it was added without the book
		}
		if addr := netAddressOf(choose(at), address); addr != nil {
			selection = append(selection, addr)
		}
	}
	return selection
}
